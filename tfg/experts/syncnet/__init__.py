"""SyncNet, which measures whether lips and sound belong together: network, judge, training."""
from __future__ import annotations

from tfg.errors import InputError
from tfg.options import option_class, switch
from tfg.training.part import JudgeOptions, Training


@option_class
class SyncNetTraining(JudgeOptions):
    """Options of `tfg train syncnet`."""

    teacher: bool = switch("train the expert for tfg train emogen instead: the published tower, small",
                           default=False)

    def check(self) -> None:
        """Raises InputError if judge and teacher are both on."""
        super().check()
        if self.judge and self.teacher:
            raise InputError("use --judge or --teacher, not both: they are two networks.")


TRAININGS = (Training("syncnet", "Train the expert that measures whether lips and sound belong together.",
                      "tfg.experts.syncnet.train:train_syncnet", SyncNetTraining,
                      "  tfg train syncnet --store build/store --out build/syncnet\n"
                      "  tfg train syncnet --store build/store --out build/syncnet --profile ci    seconds\n"
                      "  tfg train syncnet --judge --store build/store --out build/judge",
                      writes=(("judge", True, "judge_sync.safetensors"),)),)
