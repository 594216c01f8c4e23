# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a recorder wrote into its file, call by call, and the states a kill would have left.

strace tells the calls with all their bytes. The states are made again from them: SIGKILL leaves what
the calls before it wrote, and of a long write, which the kernel does page by page, perhaps only some
pages. That the calls make just the file that is there is looked at, so that none was overlooked.
"""
import collections
import re

PAGE = 4096
CALLS = "write,writev,pwrite64,pwritev,lseek,ftruncate,fallocate"
SYNCS = "fsync,fdatasync,sync_file_range"
LINE = re.compile(r"^(\d+) +(\d+\.\d+) (?:<\.\.\. )?(\w+)(.*)$", re.DOTALL)
RESULT = re.compile(r"\) += (-?\d+)")
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')

# A state is (number, length): the calls before that one, and so many bytes of it.
Write = collections.namedtuple("Write", "time offset data")
Cut = collections.namedtuple("Cut", "time length")  # ftruncate
Sync = collections.namedtuple("Sync", "time")


def strace(path, trace):
    """What to start a recorder by."""
    return ["strace", "-f", "-qq", "--seccomp-bpf", "-ttt", "-xx", "-s", "1000000000",
            "-e", f"trace={CALLS},{SYNCS}", "-e", "signal=SIGINT", "-P", path, "-o", trace]


class Trace:
    """The calls of one file, and when the recorder was told to end."""

    def __init__(self, trace):
        self.calls, self.end, self.position = [], None, 0
        unfinished = {}
        with open(trace, encoding="ascii") as lines:
            for line in lines:
                if "--- SIGINT" in line:
                    self.end = self.end or float(line.split()[1])
                    continue
                match = LINE.match(line)
                if not match:
                    continue
                thread, when, name, rest = match.groups()
                if rest.endswith("<unfinished ...>\n"):
                    unfinished[thread] = rest[:-len("<unfinished ...>\n")]
                    continue
                if " resumed>" in rest[:10]:
                    rest = unfinished.pop(thread, "") + rest.split("resumed>", 1)[1]
                result = RESULT.findall(rest)
                if result and int(result[-1]) >= 0:
                    self.add(name, float(when), rest, int(result[-1]))

    def add(self, name, when, rest, result):
        if name in SYNCS.split(","):
            self.calls.append(Sync(when))
        elif name == "lseek":
            self.position = result
        elif name == "ftruncate":
            self.calls.append(Cut(when, int(rest.rsplit(")", 1)[0].rsplit(",", 1)[1])))
        elif "write" in name:
            data = b"".join(bytes.fromhex(text.replace("\\x", "")) for text in STRING.findall(rest))
            offset = self.position
            if name.startswith("p"):
                offset = int(re.findall(r", (\d+)\) += ", rest)[-1])
            else:
                self.position += result
            self.calls.append(Write(when, offset, data[:result]))

    def states(self, begin, end):
        """Every state that a kill between these times may have left."""
        found = []
        for number, call in enumerate(self.calls):
            if isinstance(call, Sync) or not begin <= call.time < end:
                continue
            if isinstance(call, Write):
                first = PAGE - call.offset % PAGE
                found += [(number, length) for length in range(first, len(call.data), PAGE)]
            found.append((number, None))
        return found

    def time(self, state):
        return self.calls[state[0]].time

    def contents(self, states):
        """What is in the file, for each state in their order."""
        file, done = bytearray(), 0
        for number, length in sorted(states, key=lambda s: (s[0], s[1] is None, s[1] or 0)):
            while done < number:
                apply(self.calls[done], file)
                done += 1
            last = self.calls[number]
            copy = bytearray(file)
            if isinstance(last, Write) and length is not None:
                last = last._replace(data=last.data[:length])
            apply(last, copy)
            yield (number, length), copy

    def whole(self):
        return next(self.contents([(len(self.calls) - 1, None)]))[1] if self.calls else b""

    def syncs(self):
        return [call.time for call in self.calls if isinstance(call, Sync)]


def apply(call, file):
    if isinstance(call, Write):
        end = call.offset + len(call.data)
        if len(file) < end:
            file.extend(bytes(end - len(file)))
        file[call.offset:end] = call.data
    elif isinstance(call, Cut):
        del file[call.length:]
        file.extend(bytes(call.length - len(file)))
