"""One table for all systems: the same people, one call, judges that none of them trained against, intervals and ranks.

    from tfg.scores.leaderboard import leaderboard
    board = leaderboard("build/leaderboard")
    print(board.text)

`tfg leaderboard` is the same from the command line. docs/leaderboard.md explains the protocol and holds the table.
"""
from __future__ import annotations

from tfg.scores.leaderboard.run import Board, leaderboard

__all__ = ["Board", "leaderboard"]
