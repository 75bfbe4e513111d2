"""What notebooks from elsewhere import of IPython, over Sandpiper's own display.

This is not IPython: of its modules there is display, and of that what shows things.
"""

import sys

import sandpiper_ipython as display

__path__ = []  # it has modules
sys.modules[__name__ + ".display"] = display


def get_ipython():
    """Return None: there is no IPython shell, and so no magic."""
    return None
