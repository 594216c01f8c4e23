#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sh tests/examples/record-camera.sh [URL [FILE [SECONDS]]]
#
# Records all that an RTSP camera sends and an MP4 file can hold, until Ctrl-C or for so many seconds,
# and says what is in the file. Without a URL it starts a camera of its own and records that for 10
# seconds. Whatever is missing on a Debian machine is installed and built first.
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
  : >"$scratch/camera"  # sed may come to it first
  setsid "$build/$camera" --seconds $((seconds + 60)) >"$scratch/camera" 2>&1 </dev/null &
  camera_pid=$!
  for _ in $(seq 100); do
    url=$(sed -n 's/^URL //p' "$scratch/camera")
    [ -z "$url" ] || return 0
    pause 0.1
  done
  fail "The test camera does not start: $(tail -n 1 "$scratch/camera")"
}

# The streams of the camera's description (SDP, RFC 4566), one line each: NUMBER MEDIA ENCODING. The
# payload types without an rtpmap are those of RFC 3551.
list_streams() {
  timeout 20 ffprobe -v verbose -rtsp_transport tcp -analyzeduration 1 -probesize 32 "$url" \
    >"$scratch/description" 2>&1 </dev/null || true
  tr -d '\r' <"$scratch/description" | awk '
    function flush() { if (media != "") print number++, media, toupper(encoding) }
    BEGIN {
      fixed[0] = "PCMU"; fixed[8] = "PCMA"; fixed[9] = "G722"; fixed[10] = "L16"; fixed[11] = "L16"
      fixed[14] = "MPA"; fixed[26] = "JPEG"
    }
    /^m=/ { flush(); media = substr($1, 3); type = $4; encoding = fixed[type] }
    /^a=rtpmap:/ { split($1, map, ":"); split($2, name, "/"); if (map[2] == type) encoding = name[1] }
    END { flush() }'
}

# depayloader_of ENCODING: what makes of its packets what the recorder takes; nothing: it cannot be.
depayloader_of() {
  case $1 in
    H264) echo 'rtph264depay ! h264parse' ;;
    H265) echo 'rtph265depay ! h265parse' ;;
    H266) echo 'rtph266depay ! h266parse' ;;
    AV1) echo 'rtpav1depay ! av1parse' ;;
    VP8) echo 'rtpvp8depay' ;;
    VP9) echo 'rtpvp9depay' ;;
    MP4V-ES) echo 'rtpmp4vdepay ! mpeg4videoparse' ;;
    JPEG) echo 'rtpjpegdepay' ;;
    MPEG4-GENERIC) echo 'rtpmp4gdepay ! aacparse' ;;
    MP4A-LATM) echo 'rtpmp4adepay' ;;
    OPUS) echo 'rtpopusdepay' ;;
    PCMA) echo 'rtppcmadepay' ;;
    PCMU) echo 'rtppcmudepay' ;;
    L16) echo 'rtpL16depay' ;;
    L24) echo 'rtpL24depay' ;;
    MPA) echo 'rtpmpadepay ! mpegaudioparse' ;;
    AC3) echo 'rtpac3depay ! ac3parse' ;;
    VND.ONVIF.METADATA) echo 'rtponvifmetadatadepay' ;;
  esac
}

# leave_out NUMBER MEDIA ENCODING: says so, and why
leave_out() {
  case $3 in
    G726* | AAL2-G726* | G722)
      why='players do not find it in an MP4 file; let the camera send G.711 or AAC instead' ;;
    *)
      why='it is not among what can be recorded (docs/codecs.md)'
      [ -z "$(depayloader_of "$3")" ] || why='no depayloader for it is installed'
      ;;
  esac
  echo "Stream $1 ($2, ${3:-of an unknown kind}) is left out: $why."
}

has_all_elements() {
  for element in $(echo "$1" | tr '!' ' '); do
    gst-inspect-1.0 --exists "$element" || return 1
  done
}

# Fills the file "branches" with what follows rtspsrc in the launch line. Each depayloader finds its
# stream by its caps. A camera that does not describe itself is tried as most are.
choose_branches() {
  : >"$scratch/branches"
  list_streams >"$scratch/streams"
  [ -s "$scratch/streams" ] || printf '0 video H264\n1 audio MPEG4-GENERIC\n' >"$scratch/streams"
  while read -r number media encoding; do
    chain=$(depayloader_of "$encoding")
    if [ -n "$chain" ] && has_all_elements "$chain"; then
      echo "camera. ! $chain ! recorder.sink_$number" >>"$scratch/branches"
    else
      leave_out "$number" "$media" "$encoding"
    fi
  done <"$scratch/streams"
  [ -s "$scratch/branches" ] || fail "Nothing of what this camera sends can be recorded."
}

# No caps between the camera and a depayloader, which names what it takes itself: gst-launch links a
# filter in several steps, and two pads that come at the same moment then get into each other's way
# now and then ("Delayed linking failed"). A stream that never comes holds nothing back. In a process
# group of its own it gets one SIGINT for each Ctrl-C, sent by interrupt().
# shellcheck disable=SC2046  # the branches are to be split
start_recorder() {
  setsid gst-launch-1.0 -e -q \
    rtspsrc name=camera protocols=tcp location="$url" $(cat "$scratch/branches") \
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
export GST_PLUGIN_PATH="$build/gst/trailingmp4${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}"
export GST_REGISTRY="$build/gst-registry.bin"
choose_branches
echo "Recording $(echo "$url" | sed 's|//[^/@]*@|//|') into $file, ${seconds:-until Ctrl-C}${seconds:+ s} ..."
start_recorder
[ -z "$seconds" ] || stop_after_seconds
wait_for_recorder
report
