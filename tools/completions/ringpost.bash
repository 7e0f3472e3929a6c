# bash completion for ringpost(1)

_ringpost_ids() {
    ringpost "${_ringpost_socket[@]}" --json queue list --limit 200 2>/dev/null |
        sed -n 's/^{"id":"\([0-9A-Z]*\)".*/\1/p'
}

_ringpost() {
    local cur prev words cword
    _init_completion -n : || return

    local -a _ringpost_socket=()
    local command="" sub="" i
    for ((i = 1; i < cword; i++)); do
        case "${words[i]}" in
            --socket) _ringpost_socket=(--socket "${words[i + 1]}"); ((i++)) ;;
            -*) ;;
            *)
                if [[ -z $command ]]; then
                    command=${words[i]}
                elif [[ -z $sub ]]; then
                    sub=${words[i]}
                fi
                ;;
        esac
    done

    case "$prev" in
        --socket) _filedir; return ;;
        --to | --out) _filedir -d; return ;;
        --for) mapfile -t COMPREPLY < <(compgen -W "15m 30m 1h 4h 1d" -- "$cur"); return ;;
        --region | --domain | --next-hop | --sender | --limit | --reason | --client) return ;;
    esac

    local site="--region --domain --next-hop"
    local filter="$site --sender --held"
    local common="--socket --json --help"
    local choices=""
    case "$command" in
        "") choices="status queue mailq suspend resume suspensions drain reload trace config store --version $common" ;;
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
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$cur")
}

complete -F _ringpost ringpost
