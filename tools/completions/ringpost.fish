# fish completion for ringpost(1)

function __ringpost_ids
    ringpost --json queue list --limit 200 2>/dev/null | string match -rg '^{"id":"([0-9A-Z]+)"'
end

# $argv[1]: account, credential, sender or domain.
function __ringpost_names
    ringpost --json $argv[1] list --limit 1000 2>/dev/null | string match -rg '"name":"([^"\\\\]*)"'
end

# Whether the command line is `ringpost $argv[1]`, with one of the commands behind it, or none.
function __ringpost_in
    set -l words (commandline -opc | string match -v -- '-*')
    test "$words[2]" = $argv[1]; or return
    if set -q argv[2]
        contains -- "$words[3]" $argv[2..-1]
    else
        not set -q words[3]
    end
end

set -l commands status queue mailq suspend resume suspensions drain reload trace config shaping account credential \
    sender suppression domain dns tls audit store bounce
set -l verbs summary list show retry hold release delete bounce
set -l queue '__fish_seen_subcommand_from queue'
set -l identity '__fish_seen_subcommand_from account credential sender suppression domain dns'
set -l top "not __fish_seen_subcommand_from $commands"
set -l site "not $identity; and __fish_seen_subcommand_from summary list mailq retry hold release delete bounce suspend resume"
set -l filter "not $identity; and __fish_seen_subcommand_from list mailq retry hold release delete bounce"

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
complete -c ringpost -n $top -a shaping -d 'How fast mail goes to whom'
complete -c ringpost -n $top -a account -d 'Who sends, and what they may'
complete -c ringpost -n $top -a credential -d 'Users, API keys, networks and addresses that may send'
complete -c ringpost -n $top -a sender -d 'Domains and addresses that accounts may send as'
complete -c ringpost -n $top -a suppression -d 'Addresses and domains that are not written to'
complete -c ringpost -n $top -a domain -d 'Domains that customers prove to be theirs by DNS'
complete -c ringpost -n $top -a dns -d "The operator's zone, which follows from the domains"
complete -c ringpost -n $top -a audit -d 'Who changed what of these'
complete -c ringpost -n $top -a store -d 'Look at a store that no ringpostd has open'
complete -c ringpost -n "$queue; and not __fish_seen_subcommand_from $verbs" -a "$verbs"
complete -c ringpost -n "$queue; and __fish_seen_subcommand_from show retry hold release delete bounce" \
    -a '(__ringpost_ids)'
complete -c ringpost -n '__fish_seen_subcommand_from status' -l counters -d 'Every counter, per shard'
complete -c ringpost -n "$site; or not $identity; and __fish_seen_subcommand_from show suspensions" -l region -x \
    -d 'Only this region'
complete -c ringpost -n $site -l domain -x -d 'Recipients of this domain'
complete -c ringpost -n "$site; or __fish_seen_subcommand_from trace" -l next-hop -x \
    -d 'What goes to this next hop'
complete -c ringpost -n $filter -l sender -x -d 'From this reverse-path'
complete -c ringpost -n $filter -l held -d 'Only what is held'
complete -c ringpost -n '__fish_seen_subcommand_from list mailq audit policies' -l limit -x -d 'At most so many'
complete -c ringpost -n "not $identity; and __fish_seen_subcommand_from retry hold release delete bounce resume" -l all \
    -d 'Everything'
complete -c ringpost -n '__fish_seen_subcommand_from delete bounce remove' -l yes -s y -d 'Do not ask'
complete -c ringpost -n '__fish_seen_subcommand_from bounce' -l reason -x -d 'Words for the report'
complete -c ringpost -n '__fish_seen_subcommand_from suspend' -l for -x -a '15m 30m 1h 4h 1d' -d 'How long'
complete -c ringpost -n '__fish_seen_subcommand_from trace' -l client -x -d 'Address or network'
complete -c ringpost -n '__fish_seen_subcommand_from config' -a check
complete -c ringpost -n $top -a bounce -d 'What bounces and refusals mean'
complete -c ringpost -n '__fish_seen_subcommand_from bounce' -a classify
complete -c ringpost -n '__fish_seen_subcommand_from classify' -F
complete -c ringpost -n '__fish_seen_subcommand_from classify' -l classes -r -F -d 'A bounce-classes.toml'
complete -c ringpost -n '__ringpost_in shaping' -a 'explain check'
complete -c ringpost -n '__ringpost_in shaping check' -F
complete -c ringpost -n '__ringpost_in shaping explain' -l mx -x -d 'A host of its mail'
complete -c ringpost -n '__ringpost_in shaping explain' -l source -x -d 'The egress source'
complete -c ringpost -n '__ringpost_in shaping explain' -l account -x -a '(__ringpost_names account)' \
    -d 'Whose mail it is'
complete -c ringpost -n '__ringpost_in shaping explain' -l config -r -F -d 'A ringpost.toml'
complete -c ringpost -n '__fish_seen_subcommand_from store' -a 'check salvage export-queue'
complete -c ringpost -n '__fish_seen_subcommand_from salvage' -l to -r -F -d 'Where to; must not exist'
complete -c ringpost -n '__fish_seen_subcommand_from export-queue' -l out -r -F -d 'A new directory'
complete -c ringpost -n '__ringpost_in config check; or __ringpost_in store check salvage export-queue' -F

complete -c ringpost -n '__ringpost_in account' \
    -a 'add set show list remove suspend resume export import'
complete -c ringpost -n '__ringpost_in credential' \
    -a 'add set show list remove password key block allow sandbox'
complete -c ringpost -n '__ringpost_in sender' -a 'add link set list remove'
complete -c ringpost -n $top -a tls -d 'TLS with mail exchangers: what domains want, and reports on it'
complete -c ringpost -n '__ringpost_in tls' -a 'policies outcomes report'
complete -c ringpost -n '__ringpost_in tls outcomes report' -l day -x -d 'A UTC day'
complete -c ringpost -n '__ringpost_in tls policies outcomes' -l limit -x -d 'Show at most so many'
complete -c ringpost -n '__ringpost_in tls report' -l send -d 'Send it now'
complete -c ringpost -n '__ringpost_in suppression' -a 'add remove list show export import'
set -l suppression '__ringpost_in suppression add remove list show export import'
complete -c ringpost -n $suppression -l account -x -a '(__ringpost_names account)' -d 'Whose list'
complete -c ringpost -n $suppression -l own -d 'The list of the trusted hosts'
complete -c ringpost -n $suppression -l region -x -d 'Of this region'
complete -c ringpost -n '__ringpost_in suppression add list import' -l reason -x \
    -a 'bounce unsubscribe complaint manual' -d Reason
complete -c ringpost -n '__ringpost_in suppression add' -l since -x -d 'In the place of now'
complete -c ringpost -n '__ringpost_in suppression add' -l detail -x -d 'Why, in words'
complete -c ringpost -n '__ringpost_in suppression list' -l domain -x -d 'Of this domain'
complete -c ringpost -n '__ringpost_in suppression export' -l csv -d 'As CSV'
complete -c ringpost -n '__ringpost_in suppression import' -l dry-run -d 'Do nothing'
complete -c ringpost -n '__ringpost_in suppression export import' -F
complete -c ringpost -n '__ringpost_in domain' -a 'add show list remove check rotate'
complete -c ringpost -n '__ringpost_in domain show remove check rotate' -a '(__ringpost_names domain)'
complete -c ringpost -n '__ringpost_in domain add' -l ed25519 -d 'With Ed25519 keys for DKIM too'
complete -c ringpost -n '__ringpost_in dns' -a 'zone push'
complete -c ringpost -n '__ringpost_in dns zone' -F
complete -c ringpost -n '__ringpost_in dns push' -l server -x -d 'The server that takes the records: ADDRESS:PORT'
complete -c ringpost -n '__ringpost_in dns push' -l tsig-key -r -F -d 'The key of the updates'
complete -c ringpost -n '__ringpost_in account set show remove suspend resume' -a '(__ringpost_names account)'
complete -c ringpost -n '__ringpost_in credential set show remove password key block allow sandbox' \
    -a '(__ringpost_names credential)'
complete -c ringpost -n '__ringpost_in sender link set remove' -a '(__ringpost_names sender)'
complete -c ringpost -n '__ringpost_in account export import' -F
complete -c ringpost -n '__ringpost_in account export' -l secrets -d 'With what passwords and keys are checked against'
complete -c ringpost -n '__ringpost_in account import' -l dry-run -d 'Do nothing'
complete -c ringpost -n '__ringpost_in account remove' -l with-all -d 'Its credentials and senders too'
complete -c ringpost -n '__ringpost_in credential add set list; or __ringpost_in sender add list; or __ringpost_in domain add list; or __fish_seen_subcommand_from audit' \
    -l account -x -a '(__ringpost_names account)' -d 'Whose it is'
complete -c ringpost -n '__fish_seen_subcommand_from credential' -l kind -x \
    -a 'user api_key network address' -d 'Of what kind'
complete -c ringpost -n '__ringpost_in sender add set' -l state -x -a 'verified pending broken' -d State
complete -c ringpost -n '__ringpost_in credential add password' -l password-stdin -d 'A password of your own'
complete -c ringpost -n '__ringpost_in credential add' -l no-password -d 'Cannot log in yet'
for group in account credential
    set -l in "__ringpost_in $group add set"
    complete -c ringpost -n $in -l description -x -d 'Words for people'
    complete -c ringpost -n $in -l rate -x -d 'Messages in a time: 100/60'
    complete -c ringpost -n $in -l allow-sender -x -d 'Whom it may send as'
    complete -c ringpost -n $in -l block-sender -x -d 'Whom it may not send as'
    complete -c ringpost -n $in -l allow-recipient -x -d 'Whom it may send to'
    complete -c ringpost -n $in -l block-recipient -x -d 'Whom it may not send to'
    for name in senders recipients rate description
        complete -c ringpost -n "__ringpost_in $group set" -l no-$name -d 'Back to what is usual'
    end
end
set -l in '__ringpost_in account add set'
complete -c ringpost -n $in -l region -x -d 'Where its mail leaves'
complete -c ringpost -n $in -l suspended -d 'Accept nothing from it'
complete -c ringpost -n $in -l exempt -d 'May send as anybody'
complete -c ringpost -n $in -l ramp -x -d 'Recipients of the first day, doubled daily: 200/14'
for name in region suspended exempt ramp
    complete -c ringpost -n '__ringpost_in account set' -l no-$name -d 'Back to what is usual'
end
set -l in '__ringpost_in credential add set'
complete -c ringpost -n $in -l status -x -a 'allowed blocked sandbox' -d 'Whether it may send'
complete -c ringpost -n $in -l networks -x -d 'From where it may be used'
complete -c ringpost -n $in -l daily-quota -x -d 'Recipients a day'
complete -c ringpost -n $in -l monthly-quota -x -d 'Recipients a month'
complete -c ringpost -n $in -l lane -x -a 'transactional bulk' -d 'Who waits for whom'
complete -c ringpost -n $in -l deadline -x -d 'How long its messages are tried'
complete -c ringpost -n $in -l archive -d 'Keep its messages'
complete -c ringpost -n $in -l audit-copy -x -d 'Gets a copy of each message'
complete -c ringpost -n $in -l bounces-to -x -d 'Gets its bounces'
complete -c ringpost -n $in -l egress-pool -x -d 'Where its mail leaves from'
complete -c ringpost -n $in -l default-domain -x -d 'Of addresses without one'
complete -c ringpost -n $in -l forced-from -x -d 'Replaces the From field'
complete -c ringpost -n $in -l forced-reverse-path -x -d 'Replaces the reverse-path'
for name in networks daily-quota monthly-quota deadline archive audit-copy bounces-to egress-pool default-domain \
        forced-from forced-reverse-path
    complete -c ringpost -n '__ringpost_in credential set' -l no-$name -d 'Back to what is usual'
end
