# The owner of one server. supervisor.rs starts it: $1 is the server's folder, the rest its command line.
#
# Reads orders from standard input, one word a line, and answers each with one line. When the input closes - the kernel
# sees to that however the process at its other end came to end - the server is killed and the folder removed. Statics
# are never dropped in Rust and a killed process drops nothing: this is what makes sure that no server stays behind.
#
# bash, not sh: it alone reaps a child that ended as soon as it did, so that `kill -0` tells the truth.
folder=$1
shift
server=

ended() {
    wait "$server"
    echo "ended $?"
    server=
}
finish() {
    if [ -n "$server" ]; then
        kill -9 "$server"
        wait "$server"
    fi
    rm -rf -- "$folder"
    exit
}
trap finish HUP INT TERM

while read -r order; do
    case $order in
    start)
        "$@" </dev/null >>"$folder/server.log" 2>&1 &
        server=$!
        echo "$server"
        ;;
    check) if kill -0 "$server"; then echo running; else ended; fi ;;
    # A stopped process would sleep through TERM.
    stop) kill -CONT "$server"; kill "$server"; ended ;;
    kill) kill -9 "$server"; ended ;;
    pause) kill -STOP "$server"; echo paused ;;
    resume) kill -CONT "$server"; echo resumed ;;
    esac
done
finish
