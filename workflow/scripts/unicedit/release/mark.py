"""The mark of synthetic media in a picture file: IPTC's ``DigitalSourceType`` as XMP, spliced in beside the pixels, which are not touched.

The terms: https://cv.iptc.org/newscodes/digitalsourcetype. XMP's places: part 3 of its specification (JPEG: APP1; PNG: iTXt; WebP: a chunk ``XMP ``).
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Literal, get_args

Term = Literal[
    "trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
    "compositeSynthetic",
    "composite",
    "algorithmicallyEnhanced",
    "algorithmicMedia",
]
TERMS: tuple[Term, ...] = get_args(Term)
SCHEME = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEYWORD = b"XML:com.adobe.xmp\0"
_JPEG_NAME = b"http://ns.adobe.com/xap/1.0/\0"
_EXIF = b"Exif\0\0"
_SOI, _APP0, _APP1, _SOS, _EOI = b"\xff\xd8", 0xE0, 0xE1, 0xDA, b"\xff\xd9"
_XMP_FLAG, _ALPHA_FLAG = 0x04, 0x10  # of VP8X
_ALREADY = "holds an XMP packet already, and a second one is not read"


def packet(term: Term) -> bytes:
    """The XMP packet that says by ``term`` how a picture came about."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'Iptc4xmpExt:DigitalSourceType="{SCHEME}{term}"/></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()


def marked(data: bytes, term: Term) -> bytes:
    """The file ``data`` (PNG, JPEG or WebP, as the pipeline stores them, which is without XMP) with the mark; its pixels' bytes stay as they are.

    Raises ``ValueError`` for another format, a file that is cut off or not built as its format says, and one that holds XMP: what that says is not ours to undo.
    """
    if data.startswith(_PNG):
        return _png(data, packet(term))
    if data.startswith(_SOI):
        return _jpeg(data, packet(term))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data, packet(term))
    raise ValueError("is no PNG, JPEG or WebP file")


def _png(data: bytes, xmp: bytes) -> bytes:
    chunks = list(_chunks(data, len(_PNG), ">I4s", 4))
    kinds = [kind for kind, _, _ in chunks]
    if kinds[:1] != [b"IHDR"] or b"IDAT" not in kinds or kinds[-1] != b"IEND":
        raise ValueError("is a PNG without header, pixels or end")
    if any(kind == b"iTXt" and body.startswith(_PNG_KEYWORD) for kind, body, _ in chunks):
        raise ValueError(_ALREADY)
    body = b"iTXt" + _PNG_KEYWORD + b"\0\0\0\0" + xmp  # uncompressed, no language, no translated keyword
    end = chunks[0][2]  # the header comes first
    return data[:end] + struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) + data[end:]


def _chunks(data: bytes, at: int, head: str, after: int, even: bool = False) -> Iterator[tuple[bytes, bytes, int]]:
    """Kind, content and end of each chunk from ``at`` on, to the end of ``data``: ``head`` gives its length (and kind), ``after`` bytes follow the content."""
    while at < len(data):
        if at + 8 > len(data):
            raise ValueError("is cut off")
        first, second = struct.unpack_from(head, data, at)
        kind, length = (first, second) if isinstance(first, bytes) else (second, first)
        end = at + 8 + length + after
        if end > len(data):
            raise ValueError("is cut off")
        yield kind, data[at + 8 : at + 8 + length], end
        at = end + (length % 2 if even else 0)


def _jpeg(data: bytes, xmp: bytes) -> bytes:
    at = begin = len(_SOI)
    leading = True  # JFIF comes before the mark, as its standard wants; Exif, as readers do
    for code, body, end in _segments(data, begin):
        if code == _APP1 and body.startswith((_JPEG_NAME, b"http://ns.adobe.com/xmp/extension/\0")):
            raise ValueError(_ALREADY)
        leading = leading and (code == _APP0 or (code == _APP1 and body.startswith(_EXIF)))
        if leading:
            at = end
    segment = _JPEG_NAME + xmp
    return data[:at] + bytes([0xFF, _APP1]) + struct.pack(">H", len(segment) + 2) + segment + data[at:]


def _segments(data: bytes, at: int) -> Iterator[tuple[int, bytes, int]]:
    """Code, content and end of each segment before the pixels. Raises ``ValueError`` where there are none, or where no end follows them."""
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise ValueError("is a JPEG with something else between its segments")
        code = data[at + 1]
        if code == 0xFF:  # a byte of filling
            at += 1
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if code < 0xC0 or 0xD0 <= code <= 0xD9 or length < 2:
            raise ValueError("is a JPEG without pixels")
        if code == _SOS:
            if not data.endswith(_EOI):
                raise ValueError("is cut off")
            return
        end = at + 2 + length
        yield code, data[at + 4 : end], end
        at = end
    raise ValueError("is cut off")


def _webp(data: bytes, xmp: bytes) -> bytes:
    if len(data) != 8 + struct.unpack_from("<I", data, 4)[0]:
        raise ValueError("is not as long as it says")
    chunks = list(_chunks(data, 12, "<4sI", 0, even=True))
    if any(kind == b"XMP " for kind, _, _ in chunks):
        raise ValueError(_ALREADY)
    kind, body, end = chunks[0] if chunks else (b"", b"", 12)
    if kind == b"VP8X" and len(body) == 10 and len(chunks) > 1:
        flags, canvas, rest = body[0], body[4:10], data[end:]
    else:
        width, height, alpha = _size(kind, body)
        flags = _ALPHA_FLAG if alpha else 0
        canvas = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
        rest = data[12:]
    extended = b"VP8X" + struct.pack("<I", 10) + bytes([flags | _XMP_FLAG, 0, 0, 0]) + canvas
    whole = b"WEBP" + extended + rest + b"XMP " + struct.pack("<I", len(xmp)) + xmp + b"\0" * (len(xmp) % 2)
    return b"RIFF" + struct.pack("<I", len(whole)) + whole


def _size(kind: bytes, body: bytes) -> tuple[int, int, bool]:
    """Width, height and whether there is transparency, from the head of a picture that is alone in its file (RFC 9649, RFC 6386)."""
    if kind == b"VP8L" and len(body) >= 5 and body[0] == 0x2F:
        bits = struct.unpack_from("<I", body, 1)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    if kind == b"VP8 " and len(body) >= 10 and body[3:6] == b"\x9d\x01\x2a":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", body, 6))
        if width and height:
            return width, height, False
    raise ValueError("is a WebP without pixels")
