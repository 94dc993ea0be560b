"""Sphinx extension: figures carry the numbers that their captions name, and no others.

The numbers of figures in the book are the paper's. Jupyter Book's LaTeX extension turns
`numfig` on whatever the configuration says, also for pages of HTML.
"""


def own_numbers(app, config):
    """Take Sphinx's own numbers off."""
    config["numfig"] = False


def setup(app):
    """Run after the LaTeX extension, which is at priority 500."""
    app.connect("config-inited", own_numbers, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
