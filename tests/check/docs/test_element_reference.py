# SPDX-License-Identifier: LGPL-2.1-or-later
"""python3 test_element_reference.py REPOSITORY

Holds the tables of docs/element.md against the element: properties with their types, ranges, defaults
and the states in which they may change; the fields of "stats" and of its messages, as a recording of ten
pictures gives them. There is no list here: what is in one and not in the other is a fault.
"""
import pathlib
import re
import sys
import tempfile
import unittest

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GObject, Gst  # noqa: E402

Gst.init(None)
ELEMENT = Gst.ElementFactory.make("trailingmp4sink")  # as it was made

TEXT = (pathlib.Path(sys.argv.pop(1)) / "docs/element.md").read_text("utf-8")
UNITS = {"ms": 10**6, "s": 10**9, "h": 3600 * 10**9, "MiB": 2**20, "GiB": 2**30}
TYPES = {"string": "gchararray", "boolean": "gboolean", "uint": "guint", "uint64": "guint64"}
STATES = {"NULL, READY": 1 << (GObject.PARAM_USER_SHIFT + 2),
          "any": 1 << (GObject.PARAM_USER_SHIFT + 4)}  # GST_PARAM_MUTABLE_READY, _PLAYING


def rows_of(heading):
    """The cells of the first table behind a heading, without its head."""
    section = re.split(rf"^#+ {heading}$", TEXT, flags=re.MULTILINE)[1]
    table = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split(" |")] for row in table]


def names_in(cell):
    return re.findall(r"`([^`]+)`", cell)


def number(text):
    """"1 s" in nanoseconds, "64 MiB" in bytes, "0640 (416)" as it stands in the brackets."""
    value, unit = re.match(r"(\d+)(?: (\w+))?", re.sub(r"0\d+ \((\d+)\)", r"\1", text)).groups()
    return int(value) * UNITS.get(unit, 1)


def properties():
    return {spec.name: spec for spec in ELEMENT.list_properties()
            if spec.owner_type == ELEMENT.__gtype__}


class Properties(unittest.TestCase):
    def setUp(self):
        self.specs = properties()
        self.rows = {names_in(row[0])[0]: row for row in rows_of("Properties")}

    def test_the_table_has_every_property_and_no_other(self):
        self.assertEqual(set(self.rows), set(self.specs))

    def test_types_and_ranges(self):
        for name, row in self.rows.items():
            spec, kind = self.specs[name], row[1].split(",")[0].split(" ")[0]
            with self.subTest(name):
                if kind == "enum":
                    values = type(ELEMENT.get_property(name)).__enum_values__.values()
                    self.assertEqual(names_in(row[1]), [value.value_nick for value in values])
                elif kind == "GstStructure":
                    self.assertEqual(spec.value_type.name, kind)
                    self.assertFalse(spec.flags & GObject.ParamFlags.WRITABLE)
                else:
                    self.assertEqual(spec.value_type.name, TYPES[kind])
                if kind.startswith("uint"):
                    self.check_range(spec, row[1])

    def check_range(self, spec, text):
        both = re.search(r", (\d.*?) to (\d[^,]*)", text)
        least = re.search(r", from (\d+)", text)
        self.assertEqual(spec.minimum, number(both[1] if both else least[1] if least else "0"))
        if both:
            self.assertEqual(spec.maximum, number(both[2]))
        else:
            self.assertGreaterEqual(spec.maximum, 2**63 - 1)

    def test_defaults(self):
        for name, row in self.rows.items():
            default = row[2].strip("`")
            spec = self.specs[name]
            with self.subTest(name):
                if spec.value_type.name in ("guint", "guint64"):
                    self.assertEqual(spec.default_value, number(default))
                elif spec.value_type.name == "gboolean":
                    self.assertEqual(str(bool(spec.default_value)).lower(), default)
                elif hasattr(spec, "enum_class"):  # its default is a number to newer Pythons
                    self.assertEqual(ELEMENT.get_property(name).value_nick, default)
                elif spec.value_type.name == "gchararray":
                    self.assertEqual(spec.default_value or "none", default)

    def test_states_in_which_they_may_change(self):
        for name, row in self.rows.items():
            if self.specs[name].flags & GObject.ParamFlags.WRITABLE:
                with self.subTest(name):
                    self.assertTrue(int(self.specs[name].flags) & STATES[row[3]], row[3])


class Recording(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        pipeline = Gst.parse_launch(
            "videotestsrc num-buffers=10 ! x264enc ! h264parse ! rec.video_0 "
            f"trailingmp4sink name=rec location={cls.folder.name}/x.mp4")
        pipeline.set_state(Gst.State.PLAYING)
        cls.messages = {}
        while True:
            message = pipeline.get_bus().timed_pop(60 * Gst.SECOND)
            assert message and message.type != Gst.MessageType.ERROR, message
            if message.type == Gst.MessageType.ELEMENT:
                structure = message.get_structure()
                cls.messages[structure.get_name()] = cls.fields_of(structure)
            if message.type == Gst.MessageType.EOS:
                break
        cls.stats = pipeline.get_by_name("rec").get_property("stats")
        cls.track = re.search(r"track\\?,(.*)", cls.stats.to_string())[1]
        pipeline.set_state(Gst.State.NULL)

    @staticmethod
    def fields_of(structure):
        return {structure.nth_field_name(i) for i in range(structure.n_fields())}

    def test_fields_of_each_track_in_stats(self):
        documented = {name for row in rows_of("stats") for name in names_in(row[0])}
        found = set(re.findall(r"([a-z][a-z-]*)\\*=\\*\(", self.track))
        self.assertEqual(documented, found)

    def test_fields_of_stats(self):
        section = re.split(r"^### stats$", TEXT, flags=re.MULTILINE)[1]
        documented = set(names_in(section.split("\n|")[0]))
        documented -= {self.stats.get_name(), "track", "pad"}  # names, and the table's own word
        self.assertEqual(documented, self.fields_of(self.stats))

    def test_fields_of_the_messages(self):
        rows = {names_in(row[0])[0]: row for row in rows_of("Messages") if names_in(row[0])}
        self.assertEqual(set(rows), set(self.messages))
        for name, row in rows.items():
            documented = set(re.findall(r"`([a-z-]+)` \(", row[2]))
            self.assertEqual(documented, self.messages[name], name)


if __name__ == "__main__":
    unittest.main()
