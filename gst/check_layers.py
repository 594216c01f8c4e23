# SPDX-License-Identifier: LGPL-2.1-or-later
"""python3 check_layers.py FOLDER DEPFILE STAMP

Fails if a file of a layer includes one of a later layer, or a system header that its layer must do
without. Writes a stamp for the build, and the files that it depends on.
"""
import pathlib
import re
import sys

# A layer may include itself and what stands before it. The folders of a layer likewise.
LAYERS = {
    "mp4": ["base", "samples", "codecs", "boxes", "file", "recovery"],
    "recording": ["timing", ""],
    "trailingmp4": ["base", "caps", "stream", "element"],
    "tools": ["finalize"],
}
WITHOUT_GSTREAMER = ("mp4", "recording")
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<((?:gst|glib|gio)[^>]*)>)', re.MULTILINE)
# Recorder and pad streams call each other, through headers of each.
ALLOWED = {
    ("trailingmp4/stream/input.cpp", "trailingmp4/element/recorder.h"),
    ("trailingmp4/stream/input.cpp", "trailingmp4/element/upstream.h"),
}


def place(path):
    """(number of the layer, number of the folder in it), of a path from the folder of the layers."""
    layer, _, rest = path.partition("/")
    folder = rest.rpartition("/")[0]
    if folder not in LAYERS.get(layer, ()):
        sys.exit(f"{path}: there is no place for its folder among the layers")
    return list(LAYERS).index(layer), LAYERS[layer].index(folder)


def faults_of(path, text):
    for match in INCLUDE.finditer(text):
        ours, of_gstreamer = match.groups()
        if of_gstreamer and path.split("/")[0] in WITHOUT_GSTREAMER:
            yield f"{path}: includes <{of_gstreamer}>, and its layer is built without GStreamer"
        if ours and "/" not in ours:
            yield f"{path}: includes \"{ours}\", not by its path from gst/"
        elif ours and place(ours) > place(path) and (path, ours) not in ALLOWED:
            yield f"{path}: includes {ours}, which stands above it"


def main(folder, depfile, stamp):
    root = pathlib.Path(folder)
    sources = sorted(file for end in ("*.h", "*.cpp") for file in root.rglob(end))
    faults = [fault for file in sources
              for fault in faults_of(file.relative_to(root).as_posix(), file.read_text("utf-8"))]
    folders = sorted(path for path in root.rglob("*") if path.is_dir())
    pathlib.Path(depfile).write_text(f"{stamp}: " + " ".join(map(str, sources + folders)) + "\n")
    if faults:
        sys.exit("\n".join(faults))
    pathlib.Path(stamp).touch()


if __name__ == "__main__":
    main(*sys.argv[1:])
