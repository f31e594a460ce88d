"""The app: a page on which a face of your choice speaks, with controls made from the systems' options.

`tfg app` serves notebooks/app.ipynb, which holds no more than

    from tfg.app.page import Page
    Page()

    controls  the systems' options as a description of sliders and menus, and back
    uploads   what a visitor sends: its kind by its first bytes, limits, a folder of its own
    turns     one film at a time over all visitors; the others see their place
    studio    what can be done, without any page: choose a face and words, preview, stream, render, cancel
    page      the widget: messages from the browser to the studio and back
    serve     `tfg app`
"""
