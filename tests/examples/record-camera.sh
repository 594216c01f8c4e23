#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sh tests/examples/record-camera.sh [URL [FILE [SECONDS]]]
#
# Records all that an RTSP camera sends and an MP4 file can hold, until Ctrl-C or for so many seconds,
# and says what is in the file. Without a URL it starts a camera of its own and records that for 10
# seconds. Whatever is missing on a Debian machine is installed and built first. The exit status is 0
# only if the recording lasted until Ctrl-C or for all of SECONDS, and its file is finished.
#
#   sh tests/examples/record-camera.sh
#   sh tests/examples/record-camera.sh rtsp://user:password@192.168.1.20/stream1 door.mp4
set -eu

repository=$(cd "$(dirname "$0")/../.." && pwd)
build=$repository/build
plugin=gst/trailingmp4/libgsttrailingmp4.so
camera=tests/support/camera/test-camera
patience=15  # seconds for the camera to describe its streams, and again to send the first picture

url=${1:-}
file=${2:-camera-$(date +%Y%m%d-%H%M%S).mp4}
seconds=${3:-}

job=  # the command that run() waits for
recorder=
camera_pid=
stopping=  # yes after Ctrl-C
deadline=  # when programs that have not ended are killed, 2 s after Ctrl-C
scratch=$(mktemp -d)

fail() {
  echo "$1" >&2
  exit "${2:-1}"
}

refuse() {
  echo "$1" >&2
  fail "usage: sh tests/examples/record-camera.sh [URL [FILE [SECONDS]]]
Without a URL, or with '' for it, a camera of its own is recorded." 2
}

without_password() {
  printf '%s\n' "$1" | sed 's|//[^/@]*@|//|'
}

# Fills $now: hundredths of a second on a clock that nobody sets.
look_at_clock() {
  read -r now _ </proc/uptime
  now=${now%.*}${now#*.}
}

# is_before TIME
is_before() {
  look_at_clock
  [ "$now" -lt "$1" ]
}

set_deadline() {
  look_at_clock
  deadline=${deadline:-$((now + 200))}
}

interrupt() {
  [ -n "$stopping" ] || echo "Stopping ..." >&2
  stopping=yes
  set_deadline
}

is_running() {
  kill -0 "$1" 2>/dev/null
}

# A shell runs a trap only when the command in the foreground has ended. So whatever may last is in
# the background, and the shell looks every tenth of a second whether it has ended.
pause() {
  sleep "$1" &
  wait "$!" || true
}

# signal_group NAME PROCESS: to a process that setsid started, and to its children
signal_group() {
  kill -s "$1" -- "-$2" 2>/dev/null || true
}

# ends_soon PROCESS: false if it is still there at the deadline
ends_soon() {
  set_deadline
  while is_running "$1"; do
    is_before "$deadline" || return 1
    pause 0.1
  done
}

# run COMMAND...: returns its status; after Ctrl-C it does not return. In a session of its own the
# command gets one SIGINT, from clean_up(). A shell without job control has its background commands
# ignore SIGINT, which env takes back.
run() {
  [ -z "$stopping" ] || exit 130
  setsid env --default-signal=INT "$@" &
  job=$!
  while is_running "$job" && [ -z "$stopping" ]; do pause 0.1; done
  [ -z "$stopping" ] || exit 130
  status=0
  wait "$job" || status=$?
  job=
  return "$status"
}

clean_up() {
  trap '' INT TERM HUP
  for process in $job $recorder $camera_pid; do signal_group INT "$process"; done
  for process in $job $recorder $camera_pid; do
    ends_soon "$process" || signal_group KILL "$process"
  done
  rm -rf "$scratch"
}

# Fills $scheme. RFC 3986: a scheme may be written in capitals; ffprobe knows it in small letters only.
check_arguments() {
  [ $# -le 3 ] || refuse "There are more than three arguments."
  case $seconds in *[!0-9]*) refuse "SECONDS is not a whole number: $seconds" ;; esac
  while [ "${seconds#0?}" != "$seconds" ]; do seconds=${seconds#0}; done  # 08 is no octal number
  [ -n "$url" ] || return 0
  scheme=$(printf %s "${url%%://*}" | tr '[:upper:]' '[:lower:]')
  case $scheme in rtsp | rtsps | rtspt | rtspu | rtsph) ;; *) scheme= ;; esac
  case $url in *://?*) ;; *) scheme= ;; esac
  [ -n "$scheme" ] ||
    refuse "$(without_password "$url") is no URL of a camera: rtsp, rtsps, rtspt, rtspu or rtsph://..."
  url=$scheme://${url#*://}
}

# In the terminal's own session, where sudo can ask for a password. apt-get ends at SIGINT, but not
# while dpkg unpacks or configures packages, which nobody should break off.
install_packages() {
  env --default-signal=INT sh "$repository/tests/support/run/install-packages.sh" record &
  installer=$!
  while is_running "$installer" && [ -z "$stopping" ]; do pause 0.1; done
  if [ -n "$stopping" ]; then
    kill -s INT "$installer" 2>/dev/null || true
    ends_soon "$installer" ||
      echo "apt-get still installs what it has begun with, and ends then by itself." >&2
    exit 130
  fi
  wait "$installer" || exit "$?"
}

build_plugin_and_camera() {
  log=$scratch/build.log
  if [ ! -f "$build/build.ninja" ]; then
    echo "Building the plugin ..."
    run meson setup "$build" "$repository" >"$log" 2>&1 </dev/null || fail_build
  fi
  run ninja -C "$build" "$plugin" "$camera" >"$log" 2>&1 </dev/null || fail_build
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
  scheme=rtsp
  for _ in $(seq 100); do
    [ -z "$stopping" ] || exit 130
    url=$(sed -n 's/^URL //p' "$scratch/camera")
    [ -z "$url" ] || return 0
    pause 0.1
  done
  fail "The test camera does not start: $(tail -n 1 "$scratch/camera")"
}

# The transports of rtspt, rtspu and rtsph are rtspsrc's own names; ffprobe has an option for them. It
# only asks what the streams are (DESCRIBE, SETUP, TEARDOWN) and waits for no picture.
describe_camera() {
  probe_url=rtsp://${url#*://}
  transport=tcp
  case $scheme in
    rtsps) probe_url=$url ;;
    rtspu) transport=udp ;;
    rtsph) transport=http ;;
  esac
  probe_status=0
  run timeout "$patience" ffprobe -v verbose -rtsp_transport "$transport" -initial_pause 1 \
    -nofind_stream_info "$probe_url" >"$scratch/description" 2>&1 </dev/null || probe_status=$?
  [ "$probe_status" -ne 124 ] || grep -q '^m=' "$scratch/description" ||
    fail "Nothing was recorded: the camera has not answered for $patience s."
}

# The streams of the camera's description (SDP, RFC 4566), one line each: NUMBER MEDIA ENCODING. The
# payload types without an rtpmap are those of RFC 3551.
list_streams() {
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
    run gst-inspect-1.0 --exists "$element" || return 1
  done
}

# Fills the file "branches" with what follows rtspsrc in the launch line. Each depayloader finds its
# stream by its caps. A camera that does not describe itself is tried as most are.
choose_branches() {
  : >"$scratch/branches"
  describe_camera
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
# now and then ("Delayed linking failed"). A stream that never comes holds nothing back. In a session
# of its own it gets one SIGINT, from stop_recorder(): it ends the recording in good order at the first
# and dies of the second.
# shellcheck disable=SC2046  # the branches are to be split
start_recorder() {
  [ -z "$stopping" ] || exit 130
  protocols=
  case $scheme in rtsp | rtsps) protocols=protocols=tcp ;; esac
  setsid env --default-signal=INT gst-launch-1.0 -e -q \
    rtspsrc name=camera $protocols location="$url" $(cat "$scratch/branches") \
    trailingmp4sink name=recorder location="$file" >"$scratch/recorder" 2>&1 </dev/null &
  recorder=$!
}

# Fills $ending: stopped (Ctrl-C), over (all of SECONDS), silent (no picture came), early. The file is
# there with the first picture; the time counts from then on.
wait_for_ending() {
  look_at_clock
  end=$((now + patience * 100))
  while is_running "$recorder" && [ -z "$stopping" ] && [ ! -e "$file" ] && is_before "$end"; do
    pause 0.1
  done
  ending=silent
  if [ -e "$file" ]; then
    ending=over
    end=$((now + seconds * 100))
    while is_running "$recorder" && [ -z "$stopping" ]; do
      [ -z "$seconds" ] || is_before "$end" || break
      pause 0.2
    done
  fi
  if [ -n "$stopping" ]; then
    ending=stopped
  elif ! is_running "$recorder"; then
    ending=early
  fi
}

# When the time is over the disk may be slow; after Ctrl-C somebody is waiting.
stop_recorder() {
  signal_group INT "$recorder"
  while [ "$ending" = over ] && [ -z "$stopping" ] && is_running "$recorder"; do pause 0.1; done
  killed=
  if ! ends_soon "$recorder"; then
    killed=yes
    signal_group KILL "$recorder"
  fi
  recorder_status=0
  wait "$recorder" || recorder_status=$?
  recorder=
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

# How the recorder ended, where it reported no error.
how_it_ended() {
  if [ "$recorder_status" -eq 0 ]; then
    echo "the camera ended the stream."
  else
    echo "the recorder ended with status $recorder_status."
  fi
}

fail_without_file() {
  case $ending in
    silent) fail "Nothing was recorded: no picture came from the camera for $patience s." ;;
    stopped) fail "Nothing was recorded: it was stopped before the first picture came." 130 ;;
    *) fail "Nothing was recorded: ${error:-$(how_it_ended)}" ;;
  esac
}

# One line for each track, for example: h264 320x240: 250 pictures, 10.000 s. After Ctrl-C it takes no
# longer than until half a second after the deadline. Numbers are those of the index: a growing file has
# none.
describe_file() {
  limit=0  # tenths of a second; none
  if [ "$ending" = stopped ]; then
    look_at_clock
    limit=$(((deadline + 50 - now) / 10))
    [ "$limit" -ge 1 ] || limit=1
  fi
  run timeout "$((limit / 10)).$((limit % 10))" ffprobe -v error -of compact=p=0 -show_entries \
    stream=codec_type,codec_name,width,height,sample_rate,channels,duration,nb_frames \
    "$file" >"$scratch/tracks" 2>/dev/null </dev/null || true
  [ -s "$scratch/tracks" ] || echo "  What is in it was not found out in time: ffprobe $file"
  awk -F '[|=]' '{
    for (i = 1; i < NF; i += 2) v[$i] = $(i + 1)
    if (v["codec_type"] == "video") kind = v["width"] "x" v["height"] ": %s pictures"
    else kind = v["sample_rate"] " Hz, " v["channels"] " channels: %s frames"
    printf "  %s " kind ", %.3f s\n", v["codec_name"], v["nb_frames"], v["duration"]
  }' "$scratch/tracks"
}

report() {
  error=$(first_error)
  [ -s "$file" ] || fail_without_file
  stopping=  # from now on another Ctrl-C ends the report
  echo "$file, $(wc -c <"$file") bytes:"
  describe_file
  [ -z "$killed" ] || fail "The recorder did not end within 2 s of Ctrl-C and was killed. The file
plays all the same, but for its last second or so; trailingmp4-finalize makes a finished one of it."
  [ "$ending" != silent ] || fail "The recording ended early: the first picture came after $patience s."
  [ "$ending" != early ] || fail "The recording ended early: ${error:-$(how_it_ended)}"
  [ -z "$error" ] || fail "The recorder reported an error: $error"
  [ "$recorder_status" -eq 0 ] || fail "The recorder ended with status $recorder_status."
}

trap clean_up EXIT
trap interrupt INT TERM HUP

check_arguments "$@"
[ ! -e "$file" ] || fail "$file exists already and is left as it is."
install_packages
build_plugin_and_camera
if [ -z "$url" ]; then
  seconds=${seconds:-10}
  start_camera
fi
export GST_PLUGIN_PATH="$build/gst/trailingmp4${GST_PLUGIN_PATH:+:$GST_PLUGIN_PATH}"
export GST_REGISTRY="$build/gst-registry.bin"
choose_branches
echo "Recording $(without_password "$url") into $file, ${seconds:-until Ctrl-C}${seconds:+ s} ..."
start_recorder
wait_for_ending
stop_recorder
report
