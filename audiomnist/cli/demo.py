"""``audiomnist demo``: show the page that listens, from this computer."""

import sys
from typing import Annotated

import typer

from audiomnist.cli import options
from audiomnist.cli.output import message_console, print_json, result_console
from audiomnist.stopping import Termination

DEFAULT_PORT = 8017


def demo(
    model: options.Model = "digits",
    host: Annotated[
        str, typer.Option(help="Address to serve at; 0.0.0.0 for other devices too.", metavar="ADDRESS")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port to serve at; 0 takes any free one.", metavar="N")
    ] = DEFAULT_PORT,
    tls: Annotated[
        bool, typer.Option("--tls", help="Serve over https, so that other devices may use their microphone.")
    ] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Open a page in the browser that recognises spoken digits.

    The page is served from this computer. Recordings never leave it.
    """
    import webbrowser

    import torch

    from audiomnist.inference.opening import weights_file
    from audiomnist.page.export import page_of
    from audiomnist.page.server import PageServer, is_loopback
    from audiomnist.training.checkpoint import load_model

    source = weights_file(model)
    page = page_of(load_model(source, torch.device("cpu")))
    console = message_console(quiet or json)
    with PageServer(page, host, port, tls=tls) as server:
        console.print(f"model: {source}")
        if tls:
            console.print("the certificate was made by this computer, so the browser warns once; continue to the page")
        elif not is_loopback(host):
            console.print(
                "without --tls, browsers on other devices may not use the microphone; they can open sound files"
            )
        if json:
            print_json({"url": server.url, "model": str(source)})
        else:
            result_console().print(f"{server.url} (stop it with Ctrl-C)")
        sys.stdout.flush()
        if not no_browser:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except Termination:
            raise
        except KeyboardInterrupt:
            console.print("stopped")
