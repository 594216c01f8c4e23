#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sh tests/players.sh [FILE]
#
# Plays a recording in Chromium, VLC and mpv and prints a line for each: OK, or FAIL and why. Without
# a FILE it records the built-in test camera for five seconds first. Installs the players, which is
# why it is not part of tests/run.sh.
set -eu

repository=$(cd "$(dirname "$0")/.." && pwd)
support=$repository/tests/support
scratch=$(mktemp -d)
file=$scratch/recorded.mp4
failed=0
server_pid=

clean_up() {
  [ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null || true
  rm -rf "$scratch"
}

# report PLAYER [WHAT IS WRONG]
report() {
  if [ -z "${2:-}" ]; then
    echo "OK   $1"
  else
    echo "FAIL $1: $2"
    failed=1
  fi
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
    ` sound=${v.webkitAudioDecodedByteCount}` +
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


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(PORT_FILE + ".new", "w") as port:
    port.write(str(server.server_address[1]))
os.rename(PORT_FILE + ".new", PORT_FILE)
server.serve_forever()
END
}

# has v|a: "yes" if the file has pictures or sound.
has() {
  ffprobe -v error -select_streams "$1" -show_entries stream=codec_type -of csv=p=0 "$file" |
    sed -n '1s/.*/yes/p'
}

start_server() {
  timeout 80 python3 "$scratch/server.py" "$file" "$scratch/port" >"$scratch/result" &
  server_pid=$!
  while [ ! -e "$scratch/port" ]; do sleep 0.1; done
}

play_in_chromium() {
  write_server
  start_server
  start_player "$scratch/chromium" chromium --headless --no-sandbox --disable-gpu \
    --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync \
    --disable-dev-shm-usage --autoplay-policy=no-user-gesture-required \
    --user-data-dir="$scratch/home/profile" --remote-debugging-port=0 \
    "http://127.0.0.1:$(cat "$scratch/port")/"
  wait "$server_pid" || true
  server_pid=
  kill -s KILL -- "-$player_pid" 2>/dev/null || true
  wait "$player_pid" 2>/dev/null || true
  result=$(cat "$scratch/result")
  case $(has v)$result in
    *duration=NaN* | yes*size=0x0*) report Chromium "$result"; return ;;
  esac
  case $(has a)$result in
    yes*sound=0*) report Chromium "$result"; return ;;
  esac
  case $result in
    ended*) report "Chromium ($result)" ;;
    *) report Chromium "${result:-nothing was played; $(tail -n 1 "$scratch/chromium")}" ;;
  esac
}

# That it has no interface is an error to VLC, but not one of the file.
play_in_vlc() {
  start_player "$scratch/vlc" timeout 60 cvlc --intf dummy --no-dbus --vout dummy --aout dummy \
    --play-and-exit "$file" vlc://quit
  wait_for_player
  errors=$(grep -iE 'error|corrupt|cannot|could not|fail' "$scratch/vlc" |
    grep -vE 'main interface error|globalhotkeys' || true)
  [ "$player_status" -eq 0 ] || errors="status $player_status $errors"
  report VLC "$errors"
}

play_in_mpv() {
  start_player "$scratch/mpv" timeout 60 mpv --no-config --vo=null --ao=null \
    --msg-level=all=warn "$file"
  wait_for_player
  errors=$(cat "$scratch/mpv")
  [ "$player_status" -eq 0 ] || errors="status $player_status $errors"
  report mpv "$errors"
}

trap clean_up EXIT
sh "$support/install-packages.sh" record players
chmod 755 "$scratch"
mkdir -m 777 "$scratch/home"
if [ $# -gt 0 ]; then
  cp "$1" "$file"
else
  sh "$repository/tests/examples/record-camera.sh" '' "$file" 5
fi
chmod 644 "$file"
play_in_chromium
play_in_vlc
play_in_mpv
exit "$failed"
