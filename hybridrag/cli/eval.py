"""`hybridrag eval run|compare|generate|history`. Each lies in a module of its own."""

from __future__ import annotations

import typer

from hybridrag.cli import eval_compare, eval_generate, eval_history, eval_run

app = typer.Typer(help="How well questions find what answers them, measured.", no_args_is_help=True)

app.command("run")(eval_run.run)
app.command("compare")(eval_compare.compare)
app.command("generate")(eval_generate.generate)
app.command("history")(eval_history.history)
