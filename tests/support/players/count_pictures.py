#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts the pictures of a YUV4MPEG2 stream of I420, for tests/players.sh.

A picture that is the same as the one before is not counted: VLC shows the last one again while none
comes. The stream may begin anew with another size, as often as it likes.
"""
import sys


def main():
    stream = sys.stdin.buffer
    pictures, size, last = 0, 0, None
    while line := stream.readline():
        if line.startswith(b"YUV4MPEG2"):
            width, height = (int(field[1:]) for field in line.split()[1:3])
            size = width * height + 2 * ((width + 1) // 2) * ((height + 1) // 2)
        elif line == b"FRAME\n":
            picture = stream.read(size)
            pictures += len(picture) == size and picture != last
            last = picture
        else:
            sys.exit(f"no picture begins with {line[:20]}")
    print(pictures)


if __name__ == "__main__":
    main()
