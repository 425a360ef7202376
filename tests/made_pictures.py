"""What a marked picture file says of itself, read without the code that marks it."""

import io
from xml.etree import ElementTree

from PIL import Image

_DESCRIPTION = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description"
_PROPERTY = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"


def read_back(data: bytes) -> str | None:
    """The property as Pillow's reader of the container, and a parser of XML, find it."""
    with Image.open(io.BytesIO(data)) as image:
        found = image.info["xmp"]
    root = ElementTree.fromstring(found if isinstance(found, str) else found.decode())
    return next(root.iter(_DESCRIPTION)).get(_PROPERTY)
