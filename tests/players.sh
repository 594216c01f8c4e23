#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sh tests/players.sh [FILE]
#
# Plays a recording in ffmpeg, GStreamer, VLC, mpv and Chromium and prints a line for each: OK and how
# many pictures and seconds of sound were decoded, or FAIL and why. A player that complains of nothing
# but decodes less than nine tenths of the pictures or of the sound has failed; no two pictures in a row
# may be the same. Of text it is said whether it is shown. Without a FILE it records the built-in test
# camera for five seconds first. Installs the players, which is why it is not part of tests/run.sh.
set -eu

repository=$(cd "$(dirname "$0")/.." && pwd)
support=$repository/tests/support
scratch=$(mktemp -d)
file=$scratch/recorded.mp4
# What a player does with the text, where there is one.
text=
# note_text COMMAND...: it succeeds if the text is shown.
note_text() {
  [ -n "$texts" ] || return 0
  if "$@"; then text=', text shown'; else text=', no text'; fi
}

# report PLAYER WHAT_WAS_DECODED [WHAT IS WRONG]
report() {
  if [ -z "${3:-}" ]; then
    echo "OK   $1 ($2$text)"
  else
    echo "FAIL $1 ($2$text): $(echo "$3" | tr '\n' ' ' | cut -c -300)"
  fi
}

# is_most_of DECODED WHOLE: the times and numbers of players differ by a picture or two.
is_most_of() {
  awk -v decoded="${1:-0}" -v whole="$2" 'BEGIN { exit !(decoded > 0 && decoded >= 0.9 * whole) }'
}

# judge PLAYER PICTURES SECONDS_OF_SOUND [WHAT IS WRONG]
judge() {
  counted=''
  wrong=${4:-}
  if [ -n "$pictures" ]; then
    counted="${2:-0} pictures of $pictures"
    [ -n "$wrong" ] || is_most_of "$2" "$pictures" || wrong="too few pictures"
  fi
  if [ -n "$pieces" ]; then
    counted="$counted${counted:+, }${3:-0} s of sound of $seconds"
    [ -n "$wrong" ] || is_most_of "$3" "$seconds" || wrong="too little sound"
  fi
  report "$1" "$counted" "$wrong"
}

# Chromium and VLC do not like to be root. In a process group of its own: players have children.
# start_player LOG COMMAND...; then player_pid is its group.
start_player() {
  log=$1
  shift
  if [ "$(id -u)" -eq 0 ]; then set -- runuser -u nobody -- "$@"; fi
  setsid env HOME="$scratch/home" XDG_RUNTIME_DIR="$scratch/home" "$@" >"$log" 2>&1 </dev/null &
  player_pid=$!
}

wait_for_player() {
  player_status=0
  wait "$player_pid" || player_status=$?
}

# A page that plays the file muted to its end and posts what it saw; a server on 127.0.0.1 that
# serves both, with byte ranges, writes its port into a file, prints the post and ends.
write_server() {
  cat >"$scratch/server.py" <<'END'
import http.server, os, re, sys

MOVIE, PORT_FILE = sys.argv[1], sys.argv[2]
PAGE = b"""<!doctype html><video id=v muted src=movie.mp4></video><script>
const v = document.getElementById('v');
function post(end) {
  const frames = v.getVideoPlaybackQuality();
  fetch('/result', {method: 'POST', body: `${end} duration=${v.duration.toFixed(3)}` +
    ` size=${v.videoWidth}x${v.videoHeight} position=${v.currentTime.toFixed(3)}` +
    ` frames=${frames.totalVideoFrames} dropped=${frames.droppedVideoFrames}` +
    ` sound=${v.webkitAudioDecodedByteCount} texts=${v.textTracks.length}` +
    (v.error ? ` error=${v.error.code} ${v.error.message}` : '')});
}
v.onerror = () => post('error');
v.onended = () => post('ended');
setTimeout(() => post('stuck'), 60000);
v.play().catch(e => { v.error || post('refused ' + e); });
</script>"""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def reply(self, status, kind, body, headers=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/":
            return self.reply(200, "text/html", PAGE)
        if self.path != "/movie.mp4":
            return self.reply(404, "text/plain", b"")
        size = os.path.getsize(MOVIE)
        asked = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "bytes=0-"))
        first, last = int(asked[1]), min(int(asked[2] or size - 1), size - 1)
        with open(MOVIE, "rb") as movie:
            movie.seek(first)
            body = movie.read(last - first + 1)
        self.reply(206, "video/mp4", body,
                   [("Accept-Ranges", "bytes"), ("Content-Range", f"bytes {first}-{last}/{size}")])

    def do_POST(self):
        print(self.rfile.read(int(self.headers["Content-Length"])).decode(), flush=True)
        self.reply(204, "text/plain", b"")
        os._exit(0)


class Server(http.server.ThreadingHTTPServer):
    # A browser hangs up in the middle of an answer whenever it wants another part of the file.
    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


server = Server(("127.0.0.1", 0), Handler)
with open(PORT_FILE + ".new", "w") as port:
    port.write(str(server.server_address[1]))
os.rename(PORT_FILE + ".new", PORT_FILE)
server.serve_forever()
END
}

# packets v|a|s: how many pictures, pieces of sound or texts are in the file; nothing if there is no
# track.
packets() {
  ffprobe -v error -select_streams "$1:0" -count_packets -show_entries stream=nb_read_packets \
    -of csv=p=0 "$file"
}

# sound_of FILE: how many seconds of sound are in it, and how many bytes. Of Opus in fragments ffmpeg
# knows no durations: it is the time until the next then.
sound_of() {
  ffprobe -v error -select_streams a:0 -show_entries packet=pts_time,duration_time,size -of csv=p=0 \
    "$1" | awk -F , '
      unknown { seconds += $1 - begin }
      { unknown = $2 == "N/A"; begin = $1; seconds += $2; bytes += $3 }
      END { printf "%.2f %d\n", seconds, bytes }'
}

# heard_in FILE: the seconds of sound that a player wrote into it
heard_in() {
  [ ! -s "$1" ] || sound_of "$1" | cut -d ' ' -f 1
}

text_of_ffmpeg() {
  ffmpeg -v error -i "$file" -map 0:s:0 -f srt - </dev/null 2>&1 | grep -q -e '-->'
}

play_in_ffmpeg() {
  note_text text_of_ffmpeg
  status=0
  set --
  [ -z "$pictures" ] || set -- "$@" -map 0:v:0 -fps_mode passthrough -f null -
  [ -z "$pieces" ] || set -- "$@" -map 0:a:0 "$scratch/ffmpeg.wav"
  ffmpeg -v error -xerror -i "$file" -progress "$scratch/progress" "$@" 2>"$scratch/ffmpeg" \
    </dev/null || status=$?
  said=$(cat "$scratch/ffmpeg")
  [ "$status" -eq 0 ] || said="status $status $said"
  judge ffmpeg "$(sed -n 's/^frame=//p' "$scratch/progress" | tail -n 1)" \
    "$(heard_in "$scratch/ffmpeg.wav")" "$said"
}

play_in_gstreamer() {
  status=0
  timeout 80 /usr/bin/python3 "$support/players/play_with_gstreamer.py" "$file" >"$scratch/gstreamer" \
    2>"$scratch/gstreamer.log" || status=$?
  shown='' heard='' said_texts=''
  read -r shown heard said_texts <"$scratch/gstreamer" || true
  note_text [ "${said_texts:-0}" -gt 0 ]
  said=$(tail -n +2 "$scratch/gstreamer")
  [ "$status" -eq 0 ] || said="status $status $said $(tail -n 1 "$scratch/gstreamer.log")"
  judge GStreamer "$shown" "$heard" "$said"
}

start_server() {
  timeout 80 python3 "$scratch/server.py" "$file" "$scratch/port" >"$scratch/result" &
  server_pid=$!
  while [ ! -e "$scratch/port" ]; do sleep 0.1; done
}

# field NAME: of what the page posted
field() {
  sed -n "s/.* $1=\([0-9]*\).*/\1/p" "$scratch/result"
}

# How much of the sound it has decoded it tells in the file's bytes.
play_in_chromium() {
  write_server
  start_server
  start_player "$scratch/chromium" chromium --headless --no-sandbox --disable-gpu \
    --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync \
    --disable-dev-shm-usage --autoplay-policy=no-user-gesture-required \
    --user-data-dir="$scratch/home/profile" --remote-debugging-port=0 \
    "http://127.0.0.1:$(cat "$scratch/port")/"
  wait "$server_pid" || true
  kill -s KILL -- "-$player_pid" 2>/dev/null || true
  wait "$player_pid" 2>/dev/null || true
  result=$(cat "$scratch/result")
  note_text grep -q 'texts=[1-9]' "$scratch/result"
  said=
  case $result in
    ended*) ;;
    *) said=${result:-nothing was played; $(tail -n 1 "$scratch/chromium")} ;;
  esac
  dropped=$(field dropped)
  [ "${dropped:-0}" -eq 0 ] || text="; dropped $dropped$text"
  heard=$(awk -v decoded="$(field sound)" -v whole="$sound_bytes" -v seconds="$seconds" \
    'BEGIN { if (whole) printf "%.2f", decoded / whole * seconds }')
  judge Chromium "$(field frames)" "$heard" "$said"
}

# It shows a text that is asked for, with a decoder that it loads for that.
text_of_vlc() {
  start_player "$scratch/vlc.text" timeout -k 5 60 cvlc -vv --intf dummy --no-dbus --play-and-exit \
    --sub-track=0 --vout dummy --aout dummy "$file" vlc://quit
  wait_for_player
  grep -q 'using spu decoder' "$scratch/vlc.text"
}

# What VLC shows and plays goes into files, to be counted; the pictures are too many to be kept. The
# counter is held until VLC has ended, however often it opens the file. That it has no interface, no
# graphics card to decode with, nothing that takes AC-3 undecoded, or a track that begins before the
# other ("deadlock prevented", of any file), is an error to VLC, but not one of the file.
play_in_vlc() {
  mkfifo -m 666 "$scratch/vlc.yuv"
  exec 3<>"$scratch/vlc.yuv"
  python3 "$support/players/count_pictures.py" <"$scratch/vlc.yuv" >"$scratch/vlc.shown" 3>&- &
  counter=$!
  start_player "$scratch/vlc" timeout -k 5 60 cvlc --intf dummy --no-dbus --play-and-exit \
    --no-drop-late-frames --no-skip-frames --no-video-title-show \
    --vout yuv --yuv-file "$scratch/vlc.yuv" --yuv-yuv4mpeg2 --yuv-chroma I420 \
    --aout afile --audiofile-file "$scratch/home/vlc.wav" "$file" vlc://quit
  wait_for_player
  exec 3>&-
  wait "$counter"
  note_text text_of_vlc
  errors=$(grep -iE 'error|corrupt|cannot|could not|fail' "$scratch/vlc" |
    grep -vE 'interface error|globalhotkeys|filter error|display error|video output|audio output' |
    grep -v 'deadlock prevented' || true)
  [ "$player_status" -eq 0 ] || errors="status $player_status $errors"
  judge VLC "$(cat "$scratch/vlc.shown")" "$(heard_in "$scratch/home/vlc.wav")" "$errors"
}

# Filters tell of each picture and each piece of sound.
play_in_mpv() {
  levels=all=warn,ffmpeg=v,ffmpeg/video=warn,ffmpeg/audio=warn,ffmpeg/demuxer=warn,statusline=status
  start_player "$scratch/mpv" timeout 60 mpv --no-config --vo=null --ao=null \
    --vf='lavfi=[showinfo]' --af='lavfi=[ashowinfo]' --msg-level=$levels \
    --term-status-msg='AT ${=time-pos}${?sub-start: TEXT}' "$file"
  wait_for_player
  tr '\r' '\n' <"$scratch/mpv" >"$scratch/mpv.lines"
  note_text grep -q TEXT "$scratch/mpv.lines"
  errors=$(grep -vE '^$|AT [-0-9.]*|^\[ffmpeg\] Parsed_a?showinfo' "$scratch/mpv.lines" || true)
  [ "$player_status" -eq 0 ] || errors="status $player_status $errors"
  heard=$(sed -n 's/.* Parsed_ashowinfo_0: n:.* rate:\([0-9]*\) nb_samples:\([0-9]*\).*/\1 \2/p' \
    "$scratch/mpv.lines" | awk '{ seconds += $2 / $1 } END { printf "%.2f", seconds }')
  judge mpv "$(grep -c ' Parsed_showinfo_0: n:' "$scratch/mpv.lines")" "$heard" "$errors"
}

trap 'rm -rf "$scratch"' EXIT
sh "$support/run/install-packages.sh" record players
chmod 755 "$scratch"
mkdir -m 777 "$scratch/home"
if [ $# -gt 0 ]; then
  cp "$1" "$file"
else
  sh "$repository/tests/examples/record-camera.sh" '' "$file" 5
fi
chmod 644 "$file"
pictures=$(packets v)
pieces=$(packets a)
texts=$(packets s)
sound=$(sound_of "$file")
seconds=${sound% *}
sound_bytes=${sound#* }
for player in ffmpeg gstreamer vlc mpv chromium; do
  "play_in_$player" >"$scratch/report.$player" &
done
wait
cat "$scratch"/report.*
! grep -q '^FAIL' "$scratch"/report.*
