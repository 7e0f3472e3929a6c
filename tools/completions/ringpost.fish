# fish completion for ringpost(1)

function __ringpost_ids
    ringpost --json queue list --limit 200 2>/dev/null | string match -rg '^{"id":"([0-9A-Z]+)"'
end

set -l commands status queue mailq suspend resume suspensions drain reload trace config store
set -l verbs summary list show retry hold release delete bounce
set -l queue '__fish_seen_subcommand_from queue'
set -l top "not __fish_seen_subcommand_from $commands"
set -l site '__fish_seen_subcommand_from summary list mailq retry hold release delete bounce suspend resume'
set -l filter '__fish_seen_subcommand_from list mailq retry hold release delete bounce'

complete -c ringpost -f
complete -c ringpost -l socket -r -F -d 'Where ringpostd listens'
complete -c ringpost -l json -d 'Print JSON, one object a line'
complete -c ringpost -l help -d Help
complete -c ringpost -n $top -l version -d Version
complete -c ringpost -n $top -a status -d 'How the daemon is'
complete -c ringpost -n $top -a queue -d 'Look at the queue and change it'
complete -c ringpost -n $top -a mailq -d 'The same as queue list'
complete -c ringpost -n $top -a suspend -d 'Stop delivering for a while'
complete -c ringpost -n $top -a resume -d 'End suspensions'
complete -c ringpost -n $top -a suspensions -d 'What is suspended'
complete -c ringpost -n $top -a drain -d 'Finish what is in hand and stop the daemon'
complete -c ringpost -n $top -a reload -d 'Read the configuration again'
complete -c ringpost -n $top -a trace -d 'Show SMTP sessions as they happen'
complete -c ringpost -n $top -a config -d 'Check configuration files'
complete -c ringpost -n $top -a store -d 'Look at a store that no ringpostd has open'
complete -c ringpost -n "$queue; and not __fish_seen_subcommand_from $verbs" -a "$verbs"
complete -c ringpost -n "$queue; and __fish_seen_subcommand_from show retry hold release delete bounce" \
    -a '(__ringpost_ids)'
complete -c ringpost -n '__fish_seen_subcommand_from status' -l counters -d 'Every counter, per shard'
complete -c ringpost -n "$site; or __fish_seen_subcommand_from show suspensions" -l region -x \
    -d 'Only this region'
complete -c ringpost -n $site -l domain -x -d 'Recipients of this domain'
complete -c ringpost -n "$site; or __fish_seen_subcommand_from trace" -l next-hop -x \
    -d 'What goes to this next hop'
complete -c ringpost -n $filter -l sender -x -d 'From this reverse-path'
complete -c ringpost -n $filter -l held -d 'Only what is held'
complete -c ringpost -n '__fish_seen_subcommand_from list mailq' -l limit -x -d 'At most so many'
complete -c ringpost -n '__fish_seen_subcommand_from retry hold release delete bounce resume' -l all \
    -d 'Everything'
complete -c ringpost -n '__fish_seen_subcommand_from delete bounce' -l yes -s y -d 'Do not ask'
complete -c ringpost -n '__fish_seen_subcommand_from bounce' -l reason -x -d 'Words for the report'
complete -c ringpost -n '__fish_seen_subcommand_from suspend' -l for -x -a '15m 30m 1h 4h 1d' -d 'How long'
complete -c ringpost -n '__fish_seen_subcommand_from trace' -l client -x -d 'Address or network'
complete -c ringpost -n '__fish_seen_subcommand_from config' -a check
complete -c ringpost -n '__fish_seen_subcommand_from store' -a 'check salvage export-queue'
complete -c ringpost -n '__fish_seen_subcommand_from salvage' -l to -r -F -d 'Where to; must not exist'
complete -c ringpost -n '__fish_seen_subcommand_from export-queue' -l out -r -F -d 'A new directory'
complete -c ringpost -n '__fish_seen_subcommand_from check salvage export-queue' -F
