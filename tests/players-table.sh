#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sh tests/players-table.sh [ROW...]
#
# Records every codec from a live source, and text and metadata beside pictures, once to the end and
# once killed by SIGKILL, plays both in ffmpeg, GStreamer, VLC, mpv and Chromium (tests/players.sh),
# and prints the table of docs/codecs.md; then the same of H.264 and AAC that come late, change or are
# faulty, for docs/crash-safety.md. What each player decoded, or said, goes to stderr. Takes a
# quarter of an hour. Installs the players, which is why it is not part of tests/run.sh.
set -eu

repository=$(cd "$(dirname "$0")/.." && pwd)
sh "$repository/tests/support/run/install-packages.sh" record test players >&2
[ -f "$repository/build/build.ninja" ] || meson setup "$repository/build" "$repository" >&2
ninja -C "$repository/build" gst/trailingmp4/libgsttrailingmp4.so >&2
export GST_PLUGIN_PATH="$repository/build/gst/trailingmp4"
export GST_REGISTRY="$repository/build/tests/registry.bin"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"

pictures='videotestsrc is-live=true num-buffers=BUFFERS pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=25/1'
sound='audiotestsrc is-live=true num-buffers=BUFFERS samplesperbuffer=1920 volume=0.3 ! audioconvert ! audio/x-raw,channels=2,rate=RATE ! audioconvert'

# NAME|what is before the recorder, which is called rec for what is beside something else; PICTURES,
# SOUND, VOICE and SAID are the sources.
rows() {
  cat <<'END'
H.264|PICTURES ! x264enc tune=zerolatency key-int-max=25 ! h264parse
H.265|PICTURES ! x265enc tune=zerolatency speed-preset=ultrafast key-int-max=25 option-string=log-level=0 ! h265parse
AV1|PICTURES ! av1enc usage-profile=realtime cpu-used=10 keyframe-max-dist=25 ! av1parse
VP8|PICTURES ! vp8enc deadline=1 cpu-used=8 keyframe-max-dist=25
VP9|PICTURES ! vp9enc deadline=1 cpu-used=8 keyframe-max-dist=25
MPEG-4|filesrc location=mpeg4.mov ! qtdemux ! identity sync=true
MJPEG|PICTURES ! jpegenc
AAC|SOUND48000 ! avenc_aac ! aacparse
Opus|SOUND48000 ! opusenc
G.711 A-law|VOICE ! alawenc ! rtppcmapay ! rtppcmadepay
G.711 mu-law|VOICE ! mulawenc ! rtppcmupay ! rtppcmudepay
PCM S16LE|SOUND48000 ! audio/x-raw,format=S16LE
L16 (S16BE)|SOUND48000 ! audio/x-raw,format=S16BE
L24 (S24BE)|SOUND48000 ! audio/x-raw,format=S24BE
PCM S32BE|SOUND48000 ! audio/x-raw,format=S32BE
PCM F32BE|SOUND48000 ! audio/x-raw,format=F32BE
PCM F64BE|SOUND48000 ! audio/x-raw,format=F64BE
MP3|SOUND44100 ! lamemp3enc ! mpegaudioparse
MP2|SOUND48000 ! avenc_mp2 ! mpegaudioparse
AC-3|SOUND48000 ! avenc_ac3 ! ac3parse
E-AC-3|SOUND48000 ! avenc_eac3 ! ac3parse
FLAC|SOUND48000 ! flacenc ! flacparse
ALAC|SOUND48000 ! avenc_alac
Timed text|PICTURES ! x264enc tune=zerolatency key-int-max=25 ! h264parse ! rec.video_0 SAID
ONVIF metadata|PICTURES ! x264enc tune=zerolatency key-int-max=25 ! h264parse ! rec.video_0 SAID ! capssetter join=false replace=true caps=application/x-onvif-metadata,encoding=utf8
END
}

# NAME|what is the matter, for record_trouble.py
trouble() {
  cat <<'END'
sound 2 s late|TROUBLE late-sound
pictures 2 s late|TROUBLE late-pictures
another size for 3 s|TROUBLE other-size
no pictures for 3 s|TROUBLE hole
clock 1 s back for 3 s|TROUBLE clock-steps
END
}

# line_of ROW SECONDS: a launch line
line_of() {
  echo "$1" | sed -e "s@PICTURES@$pictures@" \
    -e "s@SOUND\([0-9]*\)@$(echo "$sound" | sed 's/RATE/\\1/g')@" \
    -e 's@VOICE@audiotestsrc is-live=true num-buffers=TWICE samplesperbuffer=160 volume=0.3 ! audio/x-raw,channels=1,rate=8000@' \
    -e "s@SAID@filesrc location=said$2.lrc ! subparse ! identity sync=true@" \
    -e "s/BUFFERS/$(($2 * 25))/" -e "s/TWICE/$(($2 * 50))/"
}

record_trouble() {
  /usr/bin/python3 "$repository/tests/compare/record_trouble.py" "$1" "$scratch/killed.mp4" kill >&2 &
  recorder=$!
  /usr/bin/python3 "$repository/tests/compare/record_trouble.py" "$1" "$scratch/finished.mp4" >&2
  wait "$recorder" 2>/dev/null || true
}

# Both at the same time; what is killed has recorded for more than three seconds.
# shellcheck disable=SC2046,SC2086  # the line is to be split
record() {
  case $1 in TROUBLE*) record_trouble "${1#TROUBLE }"; return ;; esac
  gst-launch-1.0 -q trailingmp4sink name=rec location="$scratch/killed.mp4" $(line_of "$1" 60) \
    ! rec. >&2 &
  recorder=$!
  gst-launch-1.0 -q trailingmp4sink name=rec location="$scratch/finished.mp4" $(line_of "$1" 4) \
    ! rec. >&2
  kill -s KILL "$recorder"
  wait "$recorder" 2>/dev/null || true
}

# play FILE: what the players say of it, in a file beside it
play() {
  sh "$repository/tests/players.sh" "$1" >"$1.players" 2>&1 || true
  cat "$1.players" >&2
}

answer() {
  if grep -q "^OK   $1.*text shown" "$2.players"; then
    echo shown
  elif grep -q "^OK   $1" "$2.players"; then
    echo yes
  else
    echo no
  fi
}

# What is said in so many seconds, a line each.
said() {
  awk -v seconds="$1" 'BEGIN {
    for (i = 0; i < seconds; ++i)
      printf "[00:%02d.00]<tt:MetadataStream n=\"%d\"/>\n", i, i
  }'
}

# print_table [ROW...]: of the rows that come in
print_table() {
  echo '| | ffmpeg | GStreamer | VLC | mpv | Chromium |'
  echo '|---|---|---|---|---|---|'
  while IFS='|' read -r name source; do
    [ $# -eq 0 ] || case " $* " in *" $name "*) ;; *) continue ;; esac
    echo "== $name" >&2
    rm -f "$scratch"/*.mp4
    record "$source" </dev/null
    play "$scratch/finished.mp4" </dev/null
    play "$scratch/killed.mp4" </dev/null
    printf '| %s |' "$name"
    for player in ffmpeg GStreamer VLC mpv Chromium; do
      printf ' %s, %s |' "$(answer $player "$scratch/finished.mp4")" \
        "$(answer $player "$scratch/killed.mp4")"
    done
    echo
  done
}

# GStreamer's own encoder gives times that do not exist.
cd "$scratch"
for seconds in 4 60; do said $seconds >said$seconds.lrc; done
ffmpeg -v error -f lavfi -i testsrc2=s=320x240:d=10 -c:v mpeg4 -g 25 mpeg4.mov
rows | print_table "$@"
echo
trouble | print_table "$@"
