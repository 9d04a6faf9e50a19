"""What each subcommand is for, in a line: for ``--help`` and for the shell, without importing all of them."""

from __future__ import annotations

from collections.abc import Mapping

import click
from click.shell_completion import CompletionItem

SUMMARIES: Mapping[str, str] = {
    "init": "A first policy for this host, that only observes.",
    "check": "Is the policy valid, and what does it match here?",
    "plan": "What would be done here now, and why or why not.",
    "status": "Is the running daemon healthy?",
    "audit": "What the daemon did, when, why, and with what result: a line an act.",
    "test": "Does a policy do what its test files expect?",
    "top": "The host as it was at some time.",
    "record": "Cut a night out of the flight recorder.",
    "replay": "A recorded night against a policy.",
    "diagnose": "What do the OOM reports in a log say?",
    "notify": "Tell people what happens: by mail, by a program, by apprise.",
    "report": "The morning page: what happened in the night, and why.",
    "metrics": "What Prometheus is to know of the daemon.",
    "export": "What the policy protects, as systemd drop-ins; the daemon's own unit.",
    "schema": "The JSON Schema of the policy language, for editors.",
    "pause": "Let a rule, or all, only report for a while.",
    "resume": "End a pause before its time.",
    "rearm": "Lift the hold of a recovery.",
    "run": "Run a recovery now, as if its clause had held.",
    "reload": "Have the daemon read its policy files again.",
}


class SummarizedGroup(click.Group):
    """A group that lists its subcommands by their summaries; one without a summary is imported for it."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._summary(ctx, name)) for name in self.list_commands(ctx)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        return [*(CompletionItem(name, help=self._summary(ctx, name)) for name in names),
                *click.Command.shell_complete(self, ctx, incomplete)]

    def _summary(self, ctx: click.Context, name: str) -> str:
        command = None if name in SUMMARIES else self.get_command(ctx, name)
        return SUMMARIES[name] if command is None else command.get_short_help_str()
