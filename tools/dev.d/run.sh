# tools/dev run: the gateway in its development mode, with a sink to deliver to. Sourced, not run.

SMTP_PORT=2525
SINK_PORT=2626

stop_run() {
  trap - INT TERM EXIT
  printf '\n== stopping\n'
  # The gateway first: it finishes what it has in hand, and the sink still takes it.
  [ -n "${GATEWAY_PID:-}" ] && kill "$GATEWAY_PID" 2>/dev/null && wait "$GATEWAY_PID" 2>/dev/null
  [ -n "${SINK_PID:-}" ] && kill "$SINK_PID" 2>/dev/null && wait "$SINK_PID" 2>/dev/null
  exit "${RUN_STATUS:-0}"
}

# Ends the run with a failure, through the same clean-up.
run_failed() {
  printf 'tools/dev: %s\n' "$*" >&2
  RUN_STATUS=1
  exit 1
}

cmd_run() {
  cmd_setup
  build_targets="ringpostd ringpost ringpost-bench" cmd_build release
  local bin=$ROOT/build/release/bin port
  for port in $SMTP_PORT $SINK_PORT; do
    ! listens $port || fail "something listens on 127.0.0.1:$port already; stop it first"
  done
  trap stop_run INT TERM EXIT

  step "starting a sink on 127.0.0.1:$SINK_PORT (it prints what arrives and keeps nothing)"
  # In a session of its own: Ctrl-C reaches this script alone, which stops them in order.
  setsid "$bin/ringpost-bench" sink --listen 127.0.0.1:$SINK_PORT --print --stats build/run-sink.json &
  SINK_PID=$!
  step "starting ringpostd in its development mode on 127.0.0.1:$SMTP_PORT"
  setsid "$bin/ringpostd" &
  GATEWAY_PID=$!
  wait_for 30 "answer on 127.0.0.1:$SMTP_PORT" listens $SMTP_PORT || run_failed "ringpostd did not start"

  step "sending a first message"
  swaks --server 127.0.0.1:$SMTP_PORT --from you@sender.example --to friend@recipient.example \
    --header "Subject: first message" --body "Taken, made durable, delivered." --silent 2 ||
    run_failed "the message was not taken"
  sleep 1

  cat <<TEXT

== running; Ctrl-C stops everything
   Send more from another terminal:
     swaks --server 127.0.0.1:$SMTP_PORT --from you@sender.example --to friend@recipient.example
     build/release/bin/ringpost-bench load --messages 1000
   Look:
     build/release/bin/ringpost status
     build/release/bin/ringpost queue summary
TEXT
  # Also woken when one of the two ends by itself.
  wait -n "$GATEWAY_PID" "$SINK_PID" || true
  run_failed "a program ended by itself"
}
