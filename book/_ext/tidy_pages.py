"""Sphinx extension: takes off pages what the theme adds and this book cannot use."""


def tidy(app, pagename, templatename, context, doctree):
    """Drop dead launch buttons and the scripts of an unused extension.

    The theme puts launch buttons on Markdown pages with code too, where Colab and
    Binder have nothing to open. The scripts of sphinx-thebe, which Jupyter Book
    loads always, are written twice: an error in the console of every page.
    """
    if context.get("page_source_suffix") != ".ipynb":
        context["header_buttons"] = [
            button
            for button in context.get("header_buttons", [])
            if button.get("label") != "launch-buttons"
        ]
    context["script_files"] = [
        script
        for script in context["script_files"]
        if "thebe" not in f"{script.filename} {script.attributes.get('body')}"
    ]


def setup(app):
    """Run after the theme has made its buttons (it does so at priority 501)."""
    app.connect("html-page-context", tidy, priority=502)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
