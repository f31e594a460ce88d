"""A listening and looking test: people compare films of the same clip in pairs, on a page that needs no server.

    from tfg.scores.study.make import make
    from tfg.scores.study.analyse import analyse
    make("build/clips", "build/study")                         # build/study/page is served, build/study/key.csv is not
    result = analyse(["answers_1.csv", "answers_2.csv"], "build/study/key.csv", "build/study_result")

`tfg study make` and `tfg study analyse` are the same from the command line; docs/study.md explains the protocol.

    films      the films of a folder, written anew without anything that names their system; broken ones for checks
    design     which pairs each participant sees: balanced sheets
    make       the page and its key
    answers    the participants' files, and who is left out by the stated rule
    strength   strengths of systems by Davidson's model of pairs with ties, and their bootstrap
    agreement  repeats answered alike, Krippendorff's alpha
    advice     how many answers a difference needs
    analyse    all of these, and report, which writes tables and the figure
"""
