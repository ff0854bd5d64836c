# SPDX-License-Identifier: MIT
# bash completion for actionctl(1). The words follow the tables in main.c and options.c: a test
# compares them.

_actionctl_actions() {
        # PLATFORM ACTION of every row of the list, or nothing where the engine cannot be asked.
        # Nothing but plain names: compgen -W expands what it is given.
        actionctl actions "$@" 2>/dev/null | awk 'NR > 1 && $1 $2 ~ /^[A-Za-z0-9_]+$/ { print $1, $2 }'
}

_actionctl_approvals() {
        actionctl approvals list 2>/dev/null | awk 'NR > 1 && $1 ~ /^[0-9a-f-]+$/ { print $1 }'
}

_actionctl_providers() {
        actionctl provider list 2>/dev/null | awk 'NR > 1 && $1 ~ /^[a-z0-9_]+$/ { print $1 }'
}

_actionctl() {
        local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
        local -A verbs=(
                [perform]="--account --ask --deadline --dry-run --help --json --no-validate --payload --socket --token-file --user --verbose --version"
                [ping]="--help --json --socket --token-file --verbose --version"
                [health]="--help --json --socket --token-file --verbose --version"
                [actions]="--help --json --socket --token-file --verbose --version"
                [approvals approve]="--help --json --socket --token-file --user --verbose --version"
                [approvals deny]="--help --json --socket --token-file --user --verbose --version"
                [approvals list]="--help --json --socket --token-file --user --verbose --version --watch"
                [approvals show]="--help --json --socket --token-file --user --verbose --version"
                [auth import]="--account --credential --help --json --socket --token-file --user --verbose --version"
                [auth login]="--account --device --help --json --no-browser --port --scope --socket --token-file --user --verbose --version"
                [auth revoke]="--account --help --json --socket --token-file --user --verbose --version"
                [auth status]="--help --json --socket --token-file --user --verbose --version"
                [auth token]="--account --credential --help --json --socket --token-file --user --verbose --version"
                [policy explain]="--account --help --json --no-validate --payload --socket --token-file --user --verbose --version"
                [policy test]="--help --json --socket --token-file --verbose --version"
                [provider add]="--client-id --from --help --issuer --json --name --print --redirect --secret-file --socket --token-file --vault-socket --verbose --version"
                [provider list]="--help --json --vault-socket --verbose --version"
                [provider remove]="--help --json --vault-socket --verbose --version"
                [provider test]="--help --json --vault-socket --verbose --version"
                [setup]="--dry-run --help --json --no-vault --root --scope --token-file --ttl --user --users --version"
                [token keygen]="--help --issuer --json --kid --private --public --version"
                [token create]="--any-uid --help --issuer --json --key --scope --ttl --uid --user --users --verbose --version"
                [token inspect]="--help --json --token-file --version"
                [token revoke]="--file --help --json --token-file --version"
        )
        local -a words=()
        local i verb

        COMPREPLY=()
        case $prev in
        --credential | --file | --from | --key | --payload | --private | --public | --root | --secret-file | --socket | --token-file | --vault-socket)
                compopt -o filenames 2>/dev/null
                mapfile -t COMPREPLY < <(compgen -f -- "$cur")
                return
                ;;
        --user | --users)
                mapfile -t COMPREPLY < <(compgen -u -- "$cur")
                return
                ;;
        --account | --client-id | --deadline | --issuer | --kid | --name | --port | --redirect | --scope | --ttl | --uid)
                return
                ;;
        esac

        # The words before this one that are neither an option nor its value.
        for ((i = 1; i < COMP_CWORD; i++)); do
                case ${COMP_WORDS[i]} in
                --any-uid | --ask | --device | --dry-run | --help | --json | --no-browser | --no-validate | --no-vault | --print | --verbose | --version | --watch | -h | -v) ;;
                --*) ((i++)) ;;
                *) words+=("${COMP_WORDS[i]}") ;;
                esac
        done

        verb=${words[0]-}
        [[ $verb == approvals || $verb == auth || $verb == policy || $verb == provider || $verb == token ]] && verb="$verb ${words[1]-}"
        [[ $verb == "approvals " ]] && verb="approvals list"
        if [[ $cur == -* ]]; then
                mapfile -t COMPREPLY < <(compgen -W "${verbs[$verb]-${verbs[perform]}}" -- "$cur")
                return
        fi
        case ${words[*]} in
        "") mapfile -t COMPREPLY < <(compgen -W "actions approvals auth health perform ping policy provider setup token" -- "$cur") ;;
        approvals) mapfile -t COMPREPLY < <(compgen -W "approve deny list show" -- "$cur") ;;
        "approvals approve" | "approvals deny" | "approvals show")
                mapfile -t COMPREPLY < <(compgen -W "$(_actionctl_approvals)" -- "$cur")
                ;;
        auth) mapfile -t COMPREPLY < <(compgen -W "import login revoke status token" -- "$cur") ;;
        policy) mapfile -t COMPREPLY < <(compgen -W "explain test" -- "$cur") ;;
        provider) mapfile -t COMPREPLY < <(compgen -W "add list remove test" -- "$cur") ;;
        "provider add") mapfile -t COMPREPLY < <(compgen -W "google notion oidc slack" -- "$cur") ;;
        "provider remove" | "provider test")
                mapfile -t COMPREPLY < <(compgen -W "$(_actionctl_providers)" -- "$cur")
                ;;
        token) mapfile -t COMPREPLY < <(compgen -W "create inspect keygen revoke" -- "$cur") ;;
        perform | actions | "policy explain" | "auth import" | "auth login" | "auth revoke" | "auth status" | "auth token")
                mapfile -t COMPREPLY < <(compgen -W "$(_actionctl_actions | awk '{ print $1 }')" -- "$cur")
                ;;
        "policy explain ${words[2]-}")
                mapfile -t COMPREPLY < <(compgen -W "$(_actionctl_actions "${words[2]}" | awk '{ print $2 }')" -- "$cur")
                ;;
        "perform ${words[1]-}" | "actions ${words[1]-}")
                mapfile -t COMPREPLY < <(compgen -W "$(_actionctl_actions "${words[1]}" | awk '{ print $2 }')" -- "$cur")
                ;;
        "token inspect" | "policy test")
                compopt -o filenames 2>/dev/null
                mapfile -t COMPREPLY < <(compgen -f -- "$cur")
                ;;
        esac
}

complete -F _actionctl actionctl
