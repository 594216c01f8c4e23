#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sh tests/examples/record-camera.sh [URL [FILE [SECONDS]]]
#
# Records an RTSP camera (H.264, and AAC if it has a microphone) into an MP4 file, until Ctrl-C or
# for so many seconds, and says what is in the file. Without a URL it starts a camera of its own and
# records that for 10 seconds. Whatever is missing on a Debian machine is installed and built first.
#
#   sh tests/examples/record-camera.sh
#   sh tests/examples/record-camera.sh rtsp://user:password@192.168.1.20/stream1 door.mp4
set -eu

repository=$(cd "$(dirname "$0")/../.." && pwd)
build=$repository/build
plugin=gst/trailingmp4/libgsttrailingmp4.so
camera=tests/support/camera/test-camera

url=${1:-}
file=${2:-camera-$(date +%Y%m%d-%H%M%S).mp4}
seconds=${3:-}

camera_pid=
recorder_pid=
stopping=
scratch=$(mktemp -d)

fail() {
  echo "$1" >&2
  exit 1
}

clean_up() {
  for pid in $recorder_pid $camera_pid; do
    kill -TERM "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
  done
  rm -rf "$scratch"
}

# gst-launch-1.0 ends the recording in good order at the first SIGINT and dies of the second.
stop_recorder() {
  stopping=yes
  kill -INT "$recorder_pid" 2>/dev/null || true
}

interrupt() {
  [ -n "$recorder_pid" ] || exit 130
  stop_recorder
}

# In the background, where a Ctrl-C in the terminal does not reach sleep.
pause() {
  sleep "$1" &
  wait "$!" || true
}

build_plugin_and_camera() {
  log=$scratch/build.log
  if [ ! -f "$build/build.ninja" ]; then
    echo "Building the plugin ..."
    meson setup "$build" "$repository" >"$log" 2>&1 </dev/null || fail_build
  fi
  ninja -C "$build" "$plugin" "$camera" >"$log" 2>&1 </dev/null || fail_build
}

fail_build() {
  tail -n 30 "$scratch/build.log" >&2
  fail "The plugin cannot be built; what the compiler said stands above."
}

# setsid keeps a Ctrl-C in the terminal away from it: the recorder needs it to the end.
start_camera() {
  setsid "$build/$camera" --seconds $((seconds + 60)) >"$scratch/camera" 2>&1 </dev/null &
  camera_pid=$!
  for _ in $(seq 100); do
    url=$(sed -n 's/^URL //p' "$scratch/camera")
    [ -z "$url" ] || return 0
    pause 0.1
  done
  fail "The test camera does not start: $(tail -n 1 "$scratch/camera")"
}

# No caps between the camera and a depayloader, which names what it takes itself: gst-launch links a
# filter in several steps, and two pads that come at the same moment then get into each other's way
# now and then ("Delayed linking failed"). Both branches are named whether the camera has a
# microphone or not: the sink waits for no one. In a process group of its own it gets one SIGINT for
# each Ctrl-C, sent by interrupt().
start_recorder() {
  export GST_PLUGIN_PATH="$build/gst/trailingmp4${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}"
  export GST_REGISTRY="$build/gst-registry.bin"
  setsid gst-launch-1.0 -e -q \
    rtspsrc name=camera protocols=tcp location="$url" \
    camera. ! rtph264depay ! h264parse ! recorder.video_0 \
    camera. ! rtpmp4gdepay ! aacparse ! recorder.audio_0 \
    trailingmp4sink name=recorder location="$file" >"$scratch/recorder" 2>&1 </dev/null &
  recorder_pid=$!
}

is_recording() {
  kill -0 "$recorder_pid" 2>/dev/null
}

# The file is there with the first picture; the time counts from then on.
stop_after_seconds() {
  while is_recording && [ -z "$stopping" ] && [ ! -e "$file" ]; do pause 0.1; done
  left=$((seconds * 5))
  while is_recording && [ -z "$stopping" ] && [ "$left" -gt 0 ]; do
    pause 0.2
    left=$((left - 1))
  done
  [ -n "$stopping" ] || stop_recorder
}

# A trapped signal ends wait early, so it is asked again until the recorder is gone.
wait_for_recorder() {
  while :; do
    recorder_status=0
    wait "$recorder_pid" || recorder_status=$?
    is_recording || break
  done
  recorder_pid=
}

# The first error; rtspsrc gives its reason only two lines further down.
first_error() {
  awk '/^ERROR: from element/ {
      at_camera = /GstRTSPSrc:camera:/
      sub(/^ERROR: from element [^ ]*: /, "")
      printf "%s", $0
      if (!at_camera) exit
      for (i = 0; i < 3; i++) getline
      printf " %s", $0
      exit
    }' "$scratch/recorder"
}

# One line for each track, for example: h264 320x240: 250 pictures, 10.000000 s
describe() {
  ffprobe -v error -count_packets -of compact=p=0 -show_entries \
    stream=codec_type,codec_name,width,height,sample_rate,channels,duration,nb_read_packets \
    "$file" 2>/dev/null | awk -F '[|=]' '{
      for (i = 1; i < NF; i += 2) v[$i] = $(i + 1)
      if (v["codec_type"] == "video") kind = v["width"] "x" v["height"] ": %d pictures"
      else kind = v["sample_rate"] " Hz, " v["channels"] " channels: %d frames"
      printf "  %s " kind ", %.3f s\n", v["codec_name"], v["nb_read_packets"], v["duration"]
    }'
}

report() {
  error=$(first_error)
  tracks=
  [ ! -s "$file" ] || tracks=$(describe)
  [ -n "$tracks" ] || fail "Nothing was recorded: ${error:-no picture came from the camera.}"
  echo "$file, $(wc -c <"$file") bytes:"
  echo "$tracks"
  [ -z "$error" ] || fail "The recording ended early: $error"
  [ "$recorder_status" -eq 0 ] || fail "The recorder ended with status $recorder_status."
}

trap clean_up EXIT
trap interrupt INT TERM HUP

case $seconds in *[!0-9]*) fail "SECONDS is not a whole number: $seconds" ;; esac
[ ! -e "$file" ] || fail "$file exists already and is left as it is."
sh "$repository/tests/support/install-packages.sh" record
build_plugin_and_camera
if [ -z "$url" ]; then
  seconds=${seconds:-10}
  start_camera
fi
echo "Recording $(echo "$url" | sed 's|//[^/@]*@|//|') into $file, ${seconds:-until Ctrl-C}${seconds:+ s} ..."
start_recorder
[ -z "$seconds" ] || stop_after_seconds
wait_for_recorder
report
