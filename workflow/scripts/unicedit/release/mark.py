"""The mark of synthetic media in a picture file: IPTC's ``DigitalSourceType`` as XMP, spliced in beside the pixels, which are not touched.

The terms: https://cv.iptc.org/newscodes/digitalsourcetype. XMP's places: part 3 of its specification (JPEG: APP1; PNG: iTXt; WebP: a chunk ``XMP ``).
"""

import struct
import zlib
from typing import Literal

Term = Literal["trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicallyEnhanced"]
SCHEME = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_JPEG_NAME = b"http://ns.adobe.com/xap/1.0/\0"
_PNG_KEYWORD = b"XML:com.adobe.xmp"
_XMP_FLAG, _ALPHA_FLAG = 0x04, 0x10  # of VP8X


def packet(term: Term) -> bytes:
    """The XMP packet that says by ``term`` how a picture came about."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'Iptc4xmpExt:DigitalSourceType="{SCHEME}{term}"/></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()


def marked(data: bytes, term: Term) -> bytes:
    """The file ``data`` (PNG, JPEG or WebP, as the pipeline stores them) with the mark. ``ValueError`` for another format.

    The pipeline's own pictures carry no XMP; a file that has some keeps it, and readers take the first.
    """
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return _png(data, packet(term))
    if data[:2] == b"\xff\xd8":
        return _jpeg(data, packet(term))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data, packet(term))
    raise ValueError("no PNG, JPEG or WebP file")


def _png(data: bytes, xmp: bytes) -> bytes:
    end = 8 + 12 + struct.unpack(">I", data[8:12])[0]  # after IHDR, which comes first
    body = b"iTXt" + _PNG_KEYWORD + b"\0\0\0\0\0" + xmp  # uncompressed, no language, no translated keyword
    return data[:end] + struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) + data[end:]


def _jpeg(data: bytes, xmp: bytes) -> bytes:
    end = 2
    while data[end : end + 2] in (b"\xff\xe0", b"\xff\xe1"):  # JFIF comes before it, as the standard wants; Exif as readers do
        end += 2 + struct.unpack(">H", data[end + 2 : end + 4])[0]
    body = _JPEG_NAME + xmp
    return data[:end] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[end:]


def _webp(data: bytes, xmp: bytes) -> bytes:
    chunks = data[12 : 8 + struct.unpack("<I", data[4:8])[0]]
    kind, start = chunks[:4], chunks[8:18]
    if kind == b"VP8X":
        flags, canvas = start[0], start[4:10]
        chunks = chunks[18:]
    else:
        width, height, alpha = _lossless(start) if kind == b"VP8L" else _lossy(start)
        flags = _ALPHA_FLAG if alpha else 0
        canvas = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    extended = b"VP8X" + struct.pack("<I", 10) + bytes([flags | _XMP_FLAG, 0, 0, 0]) + canvas
    body = b"WEBP" + extended + chunks + b"XMP " + struct.pack("<I", len(xmp)) + xmp + b"\0" * (len(xmp) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _lossless(start: bytes) -> tuple[int, int, bool]:
    bits = struct.unpack("<I", start[1:5])[0]
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)


def _lossy(start: bytes) -> tuple[int, int, bool]:
    width, height = struct.unpack("<HH", start[6:10])
    return width & 0x3FFF, height & 0x3FFF, False
