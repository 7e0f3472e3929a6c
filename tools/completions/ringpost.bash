# bash completion for ringpost(1)

_ringpost_ids() {
    ringpost "${_ringpost_socket[@]}" --json queue list --limit 200 2>/dev/null |
        sed -n 's/^{"id":"\([0-9A-Z]*\)".*/\1/p'
}

# "account", "credential", "sender" or "domain": their names. compgen expands its words as the shell does:
# only names that nothing could be expanded in.
_ringpost_names() {
    ringpost "${_ringpost_socket[@]}" --json "$1" list --limit 1000 2>/dev/null |
        sed -n 's|^{.*"name":"\([A-Za-z0-9@._:/+-]*\)".*|\1|p'
}

_ringpost() {
    local cur prev words cword
    _init_completion -n : || return

    local -a _ringpost_socket=()
    local command="" sub="" named="" i
    for ((i = 1; i < cword; i++)); do
        case "${words[i]}" in
            --socket) _ringpost_socket=(--socket "${words[i + 1]}"); ((i++)) ;;
            -*) ;;
            *)
                if [[ -z $command ]]; then
                    command=${words[i]}
                elif [[ -z $sub ]]; then
                    sub=${words[i]}
                else
                    named=${words[i]}
                fi
                ;;
        esac
    done

    case "$prev" in
        --socket | --tsig-key | --classes) _filedir; return ;;
        --config) _filedir toml; return ;;
        --to | --out) _filedir -d; return ;;
        --for) mapfile -t COMPREPLY < <(compgen -W "15m 30m 1h 4h 1d" -- "$cur"); return ;;
        --account) mapfile -t COMPREPLY < <(compgen -W "$(_ringpost_names account)" -- "$cur"); return ;;
        --kind) mapfile -t COMPREPLY < <(compgen -W "user api_key network address" -- "$cur"); return ;;
        --status) mapfile -t COMPREPLY < <(compgen -W "allowed blocked sandbox" -- "$cur"); return ;;
        --state) mapfile -t COMPREPLY < <(compgen -W "verified pending broken" -- "$cur"); return ;;
        --reason)
            if [[ $command == suppression ]]; then
                mapfile -t COMPREPLY < <(compgen -W "bounce unsubscribe complaint manual" -- "$cur")
            fi
            return
            ;;
        --lane) mapfile -t COMPREPLY < <(compgen -W "transactional bulk" -- "$cur"); return ;;
        --description | --rate | --ramp | --networks | --allow-* | --block-* | --daily-quota | --monthly-quota) return ;;
        --deadline | --audit-copy | --bounces-to | --egress-pool | --default-domain | --forced-*) return ;;
        --region | --domain | --next-hop | --sender | --limit | --since | --detail | --client | --server | --day | --mx | --source) return ;;
    esac

    local site="--region --domain --next-hop"
    local filter="$site --sender --held"
    local common="--socket --json --help"
    local lists="--allow-sender --block-sender --allow-recipient --block-recipient --rate --description"
    local no_lists="--no-senders --no-recipients --no-rate --no-description"
    local account="--region --suspended --exempt --ramp $lists"
    local credential="--kind --status --networks --daily-quota --monthly-quota --lane --deadline --archive
        --audit-copy --bounces-to --egress-pool --default-domain --forced-from --forced-reverse-path $lists"
    local no_credential="--no-networks --no-daily-quota --no-monthly-quota --no-deadline --no-archive
        --no-audit-copy --no-bounces-to --no-egress-pool --no-default-domain --no-forced-from
        --no-forced-reverse-path $no_lists"
    local choices=""
    case "$command" in
        "") choices="status queue mailq suspend resume suspensions drain reload trace config shaping account credential sender suppression domain dns tls audit store bounce --version $common" ;;
        status) choices="--counters $common" ;;
        mailq) choices="$filter --limit $common" ;;
        suspend) choices="$site --for $common" ;;
        resume) choices="$site --all $common" ;;
        suspensions) choices="--region $common" ;;
        trace) choices="--client --next-hop $common" ;;
        drain | reload) choices="$common" ;;
        config)
            if [[ $sub == check && $cur != -* ]]; then
                _filedir toml
                return
            fi
            choices="check $common"
            ;;
        bounce)
            if [[ $sub == classify && $cur != -* ]]; then
                _filedir
                return
            fi
            [[ $sub == classify ]] && choices="--classes $common" || choices="classify $common"
            ;;
        shaping)
            if [[ $sub == check && $cur != -* ]]; then
                _filedir toml
                return
            fi
            case "$sub" in
                "") choices="explain check $common" ;;
                explain) choices="--mx --source --account --config $common" ;;
                *) choices="$common" ;;
            esac
            ;;
        account)
            if [[ $sub =~ ^(export|import)$ && $cur != -* ]]; then
                _filedir
                return
            fi
            case "$sub" in
                "") choices="add set show list remove suspend resume export import $common" ;;
                add) choices="$account $common" ;;
                set) choices="$account --no-region --no-suspended --no-exempt --no-ramp $no_lists $common" ;;
                list) choices="--limit $common" ;;
                remove) choices="--with-all --yes $common" ;;
                export) choices="--secrets $common" ;;
                import) choices="--dry-run $common" ;;
                *) choices="$common" ;;
            esac
            ;;
        credential)
            case "$sub" in
                "") choices="add set show list remove password key block allow sandbox $common" ;;
                add) choices="--account --password-stdin --no-password $credential $common" ;;
                set) choices="--account $credential $no_credential $common" ;;
                list) choices="--account --kind --limit $common" ;;
                remove) choices="--kind --yes $common" ;;
                password) choices="--kind --password-stdin $common" ;;
                key) choices="$common" ;;
                *) choices="--kind $common" ;;
            esac
            ;;
        sender)
            case "$sub" in
                "") choices="add link set list remove $common" ;;
                add) choices="--account --state $common" ;;
                set) choices="--state $common" ;;
                link) choices="$common" ;;
                list) choices="--account --limit $common" ;;
                remove) choices="--yes $common" ;;
            esac
            ;;
        suppression)
            if [[ $sub =~ ^(export|import)$ && $cur != -* ]]; then
                _filedir
                return
            fi
            local list="--account --own --region"
            case "$sub" in
                "") choices="add remove list show export import $common" ;;
                add) choices="$list --reason --since --detail $common" ;;
                list) choices="$list --reason --domain --limit $common" ;;
                export) choices="$list --csv $common" ;;
                import) choices="$list --reason --dry-run $common" ;;
                *) choices="$list $common" ;;
            esac
            ;;
        domain)
            case "$sub" in
                "") choices="add show list remove check rotate $common" ;;
                add) choices="--account --ed25519 $common" ;;
                list) choices="--account --limit $common" ;;
                remove) choices="--yes $common" ;;
                *) choices="$common" ;;
            esac
            ;;
        tls)
            case "$sub" in
                "") choices="policies outcomes report $common" ;;
                policies) choices="--limit $common" ;;
                outcomes) choices="--day --limit $common" ;;
                report) choices="--day --send $common" ;;
            esac
            ;;
        dns)
            if [[ $sub == zone && $cur != -* ]]; then
                _filedir
                return
            fi
            case "$sub" in
                "") choices="zone push $common" ;;
                push) choices="--server --tsig-key $common" ;;
                *) choices="$common" ;;
            esac
            ;;
        audit) choices="--account --limit $common" ;;
        store)
            if [[ -n $sub && $cur != -* ]]; then
                _filedir -d
                return
            fi
            case "$sub" in
                "") choices="check salvage export-queue $common" ;;
                check) choices="$common" ;;
                salvage) choices="--to $common" ;;
                export-queue) choices="--out $common" ;;
            esac
            ;;
        queue)
            case "$sub" in
                "") choices="summary list show retry hold release delete bounce $common" ;;
                summary) choices="$site $common" ;;
                list) choices="$filter --limit $common" ;;
                show) choices="--region $common" ;;
                retry | hold | release) choices="$filter --all $common" ;;
                delete) choices="$filter --all --yes $common" ;;
                bounce) choices="$filter --all --yes --reason $common" ;;
            esac
            if [[ $sub =~ ^(show|retry|hold|release|delete|bounce)$ && $cur != -* ]]; then
                choices=$(_ringpost_ids)
            fi
            ;;
    esac
    if [[ $command =~ ^(account|credential|sender|domain)$ && -z $named && $cur != -* ]]; then
        case "$sub" in
            set | link | show | remove | check | suspend | resume | password | block | allow | sandbox)
                choices=$(_ringpost_names "$command")
                ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$cur")
}

complete -F _ringpost ringpost
