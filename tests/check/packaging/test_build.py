# SPDX-License-Identifier: LGPL-2.1-or-later
"""python3 test_build.py REPOSITORY

What a packager relies on, of build directories that are set up and not built: which dependencies are
needed, what a plain `ninja` builds, what is installed where, and what `meson devenv` sets. An own
PKG_CONFIG_LIBDIR takes away what a machine does not have.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

REPOSITORY = pathlib.Path(sys.argv.pop(1))
# What no machine that builds the plugin needs to have.
OF_TESTS = {
    "Core and element tests": ["libavformat", "libavcodec", "libavutil"],
    "Test camera": ["gstreamer-rtsp-server-1.0"],
    "Pipeline tests": ["libavformat", "gstreamer-rtsp-server-1.0"],
}


def run(*command, **environment):
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env={**os.environ, **environment})
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr}"
    return done.stdout


def pkg_config_folders():
    return [pathlib.Path(folder) for folder in
            run("pkg-config", "--variable", "pc_path", "pkg-config").strip().split(":")]


class Build:
    """Set up as a user does it; what is not to be found, by pkg-config's names."""

    def __init__(self, *options, without=()):
        self.folder = tempfile.TemporaryDirectory()
        self.directory = os.path.join(self.folder.name, "build")
        packages = pathlib.Path(self.folder.name, "packages")
        packages.mkdir()
        for folder in reversed(pkg_config_folders()):
            for file in folder.glob("*.pc"):
                link = packages / file.name
                link.unlink(missing_ok=True)
                if file.stem not in without:
                    link.symlink_to(file)
        self.output = run("meson", "setup", self.directory, str(REPOSITORY), *options,
                          PKG_CONFIG_LIBDIR=str(packages))

    def installed(self):
        files = json.loads(run("meson", "introspect", self.directory, "--installed"))
        return {pathlib.PurePath(source).name: target for source, target in files.items()}

    def objects(self, target):
        commands = run("ninja", "-C", self.directory, "-n", target)
        return set(re.findall(r"Compiling C\+\+ object (\S+)", commands))

    def programs(self):
        targets = run("ninja", "-C", self.directory, "-t", "targets", "all")
        return set(re.findall(r"^(\S+): cpp_LINKER", targets, re.MULTILINE))


class WithAll(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.build = Build("--prefix=/usr")

    def test_a_plain_ninja_builds_the_plugin_and_the_tools_alone(self):
        objects = self.build.objects("all")
        self.assertTrue(all(name.startswith("gst/") for name in objects), sorted(objects))
        self.assertGreater(len(objects), 40)

    def test_every_test_program_is_a_target_of_its_own(self):
        listed = {line for line in (REPOSITORY / "tests/programs.txt").read_text().splitlines()
                  if not line.startswith("#")}
        self.assertEqual(listed, {name for name in self.build.programs()
                                  if name.startswith("tests/")})
        self.assertGreater(len(self.build.objects("tests")), len(self.build.objects("all")))

    def test_with_the_prefix_of_gstreamer_the_plugin_goes_where_it_looks(self):
        plugins = run("pkg-config", "--variable=pluginsdir", "gstreamer-1.0").strip()
        installed = self.build.installed()
        self.assertEqual(installed["libgsttrailingmp4.so"], f"{plugins}/libgsttrailingmp4.so")
        self.assertEqual(installed["trailingmp4-finalize"], "/usr/bin/trailingmp4-finalize")
        self.assertTrue(installed["trailingmp4-finalize.1"].startswith("/usr/share/man/man1/"))
        self.assertEqual(len(installed), 3, installed)

    def test_devenv_leads_gstreamer_to_the_plugin(self):
        environment = run("meson", "devenv", "-C", self.build.directory, "env")
        found = re.search(r"^GST_PLUGIN_PATH=([^:\n]*)", environment, re.MULTILINE)
        self.assertEqual(found[1], f"{self.build.directory}/gst/trailingmp4")


class WithoutWhatTestsNeed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.build = Build("--prefix=/opt/recorder",
                          without={name for names in OF_TESTS.values() for name in names})

    def test_the_plugin_and_the_tools_are_there_all_the_same(self):
        self.assertIn("gst/trailingmp4/libgsttrailingmp4.so", self.build.programs())
        self.assertIn("gst/tools/trailingmp4-finalize", self.build.programs())

    def test_the_summary_says_which_tests_are_left_out_and_why(self):
        for what, names in OF_TESTS.items():
            line = re.search(rf"^ *{what} *: (.*)", self.build.output, re.MULTILINE)[1]
            self.assertTrue(line.startswith("no, missing: "), line)
            for name in names:
                self.assertIn(name, line)

    def test_with_another_prefix_a_line_says_what_to_set(self):
        folder = self.build.installed()["libgsttrailingmp4.so"].rpartition("/")[0]
        self.assertTrue(folder.startswith("/opt/recorder/lib"), folder)
        scripts = pathlib.Path(self.build.directory, "meson-private/install.dat").read_bytes()
        self.assertIn(f"export GST_PLUGIN_PATH={folder}".encode(), scripts)


if __name__ == "__main__":
    unittest.main()
