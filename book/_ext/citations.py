"""Sphinx extension: citations are written without a search for each of them.

For every citation, pybtex looks through all installed packages for what writes plain text.
What is registered with it is found at once.
"""

from pybtex.plugin import find_plugin, register_plugin

KIND = "pybtex.backends", "plaintext"


def setup(app):
    """Register what pybtex finds itself."""
    register_plugin(*KIND, find_plugin(*KIND), force=True)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
