"""`spurbench leaderboard ...`: thin functions over markdown.py, the gate and known.py."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spurbench.numerals import MOST, whole_option

if TYPE_CHECKING:
    from spurbench.results import Result

    from .known import Register
    from .site.making import Made

app = typer.Typer(help="Check result files, and turn them into tables.", no_args_is_help=True)
KNOWN = Path("leaderboard/data")


@app.callback()
def _group() -> None:
    pass


@app.command()
def render(
    results: Annotated[Path, typer.Option(metavar="DIR", help="Folder of result files.")] = Path(
        "leaderboard/results"
    ),
    readme: Annotated[
        Path, typer.Option(metavar="FILE", help="Markdown file with the markers.")
    ] = Path("README.md"),
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder of known data sets.")] = KNOWN,
    without_panel: Annotated[
        bool,
        typer.Option(
            "--without-panel", help="Leave out models that the pictures were selected with."
        ),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail if the file is out of date.")
    ] = False,
    site: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Make a page in this folder, too, with all that it needs."
        ),
    ] = None,
    pictures: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR", help="Data set folder whose pictures the page shows; may be repeated."
        ),
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Show the page in a browser until Ctrl-C.")
    ] = False,
    port: Annotated[
        int,
        whole_option("--port", 0, 65535, "Port of --serve on this machine; 0 takes a free one."),
    ] = 0,
) -> None:
    """Write the ranked table of all results between the markers of a Markdown file, and a page of them.

    \b
    Examples:
      spurbench leaderboard render
      spurbench leaderboard render --without-panel --readme BOARD.md
      spurbench leaderboard render --site site --pictures ./spurbench --serve
    """
    from spurbench.errors import UserError
    from spurbench.files import friendly_disk_errors, write_text
    from spurbench.printing import out
    from spurbench.reading import as_text, is_file, read_bytes, real
    from spurbench.results import read_results

    from .known import Register
    from .markdown import BEGIN, leaderboard, replace_between

    if site is None and (pictures or serve):
        raise UserError("--pictures and --serve are about the page: say where with --site DIR")
    if site is not None and (check or without_panel):
        raise UserError("--check and --without-panel are about the Markdown file: leave --site out")
    if not is_file(readme):
        raise UserError(f"{readme}: no such file; name the Markdown file with --readme")
    text = as_text(read_bytes(readme), readme, keep_mark=True)
    found = read_results(results)
    register = Register(data)
    board = leaderboard(found, register.of, panel=not without_panel, old=register.is_old)
    new = replace_between(text, board, str(readme))
    if check and new != text:
        raise UserError(
            f"{readme}: its leaderboard is out of date; run `spurbench leaderboard render`"
        )
    # First what can be refused for many reasons: then nothing is changed.
    page = None if site is None else _site(results, found, register, pictures or [], site)
    if not check:
        with friendly_disk_errors(readme):
            if new != text:
                write_text(real(readme), new)  # the file itself, where the name is a link to it
    state = "is up to date" if new == text else "written"
    out(f"{readme}: table of {len(found)} results {state} (below {BEGIN!r})")
    if site is not None and page is not None:
        out(f"{page.entry}: {page.words}")
        if serve:
            _serve(site, port)


def _site(
    results: Path, found: list[Result], register: Register, pictures: list[Path], site: Path
) -> Made:
    from .gate.reader import Reader
    from .site.making import make_site

    with Reader() as reader:
        return make_site(results, found, register.of, pictures, site, reader.read, register.is_old)


def _serve(site: Path, port: int) -> None:
    import webbrowser

    from spurbench.errors import UserError
    from spurbench.printing import out

    from .site.serve import serve

    def ready(address: str) -> None:
        out(f"{address} shows it until Ctrl-C")
        webbrowser.open(address)

    try:
        serve(site, port, ready)
    except OSError as error:
        raise UserError(
            f"--port {port}: cannot be served at ({error.strerror}); name another"
        ) from error


@app.command()
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILES", help="Result files; else all below --results."),
    ] = None,
    results: Annotated[Path, typer.Option(metavar="DIR", help="Folder of result files.")] = Path(
        "leaderboard/results"
    ),
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder of known data sets.")] = KNOWN,
    base: Annotated[
        str | None,
        typer.Option(metavar="REF", help="Branch or commit that no result may differ from."),
    ] = None,
    rescore: Annotated[
        int | None,
        whole_option("--rescore", 1, MOST, "Pictures of each result that its model scores again."),
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Data set folder that --rescore takes them from."),
    ] = None,
    github: Annotated[
        bool, typer.Option("--github", help="Print findings as annotations of a pull request.")
    ] = False,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print one JSON object only.")
    ] = False,
) -> None:
    """Check submitted results: schema, place, data set, pictures, every number, history.

    Exit code 1 where anything keeps a result out, 2 for a wrong call. Nothing
    that a submission brings is run or imported.

    \b
    Examples:
      spurbench leaderboard check
      spurbench leaderboard check FILE.json --base origin/main --github
    """
    from spurbench.errors import UserError
    from spurbench.printing import out, print_json

    from .gate.check import check as checked
    from .gate.findings import as_annotations, as_data, as_lines
    from .gate.reader import Reader

    if (rescore is None) != (pictures is None):
        raise UserError("--rescore N and --pictures DIR go together; give both")
    if github and json_output:
        raise UserError("--github and --json are two forms of one report; use one of them")
    again = None
    if rescore is not None and pictures is not None:
        from random import SystemRandom

        from spurbench.dataset.read import open_data_set

        from .gate.rescore import Again

        again = Again(open_data_set(pictures), rescore, SystemRandom())
    with Reader() as reader:
        report = checked(files or [], results, data, base, reader, again)
    if json_output:
        print_json(as_data(report))
    else:
        for line in as_annotations(report) if github else as_lines(report):
            out(line)
    raise typer.Exit(report.code)


@app.command()
def register(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Data set folder.")],
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder of known data sets.")] = KNOWN,
) -> None:
    """Add a data set to those that results may be of: its pictures' hashes, by class and split.

    \b
    Example:
      spurbench leaderboard register ./spurbench
    """
    from spurbench.dataset.read import open_data_set
    from spurbench.files import friendly_disk_errors
    from spurbench.printing import out

    from .known import KnownDataSet, Register, write_known

    known = Register(data).added(KnownDataSet.of(open_data_set(folder)))
    path = known.path_under(data)
    with friendly_disk_errors(data):
        write_known(known, path)
    out(f"{path}: {known.count} pictures of {len(known.classes)} classes")


@app.command()
def missing(
    models: Annotated[
        Path, typer.Option(metavar="FILE", help="List of models, a spec a line.")
    ] = Path("leaderboard/models.txt"),
    results: Annotated[Path, typer.Option(metavar="DIR", help="Folder of result files.")] = Path(
        "leaderboard/results"
    ),
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder of known data sets.")] = KNOWN,
    domain: Annotated[
        str | None, typer.Option(metavar="NAME", help="Domain, where several are known.")
    ] = None,
    version: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Data set version instead of the newest.")
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Data set folder that has to be of that version."),
    ] = None,
    json_output: Annotated[
        bool, typer.Option("--json", help="Print one JSON object only.")
    ] = False,
) -> None:
    """List the models that have no result for the newest data set version, a spec a line.

    What is printed is a list for `spurbench eval --models`; nothing where all
    have one. The newest version is the one that no other known one supersedes.

    \b
    Example:
      spurbench leaderboard missing > todo.txt
    """
    from spurbench.printing import out, print_json

    from .known import Register
    from .missing import as_list, chosen, missing_of, of_version, read_models

    specs = read_models(models)
    known = chosen(Register(data), domain, version)
    if pictures is not None:
        of_version(pictures, known)
    absent = missing_of(specs, results, known)
    if json_output:
        print_json({"domain": known.domain, "version": known.version, "missing": absent})
    else:
        for line in as_list(absent):
            out(line)


@app.command()
def changes(
    base: Annotated[
        str, typer.Option(metavar="REF", help="Branch or commit that the change goes into.")
    ],
    results: Annotated[Path, typer.Option(metavar="DIR", help="Folder of result files.")] = Path(
        "leaderboard/results"
    ),
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder of known data sets.")] = KNOWN,
) -> None:
    """Tell as Markdown what new results change: their ranks, and those of the others.

    \b
    Example:
      spurbench leaderboard changes --base origin/main
    """
    from spurbench.printing import out

    from .changes import changes_since
    from .known import Register

    for line in changes_since(results, base, Register(data).of).splitlines():
        out(line)


@app.command(name="export-hf")
def export_hf(
    files: Annotated[list[Path], typer.Argument(metavar="RESULTS", help="Result files.")],
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write.")],
    data_repo: Annotated[
        str | None,
        typer.Option(
            metavar="ORG/NAME", help="Data set's hub id, where the results do not name one."
        ),
    ] = None,
) -> None:
    """Write results as the Hugging Face hub shows them: files for the models' and data's repositories.

    For each result MODEL/.eval_results/spurbench.yaml, and eval.yaml for the
    data set's repository. Nothing is uploaded.

    \b
    Example:
      spurbench leaderboard export-hf RESULT.json --data-repo you/spurbench --out hf
    """
    from spurbench.files import friendly_disk_errors
    from spurbench.printing import out
    from spurbench.results import read_result

    from .hub.write import write_files

    found = [read_result(path) for path in files]
    with friendly_disk_errors(folder):
        written = write_files(found, data_repo, folder)
    for path in written:
        out(f"{path}: written")
