# SPDX-License-Identifier: MIT
# fish completion for actionctl(1). The words follow the tables in main.c and options.c: a test
# compares them.

# What actionctl lists, or nothing where the engine or the vault cannot be asked.
function __actionctl_platforms
    actionctl actions 2>/dev/null | awk 'NR > 1 && $1 ~ /^[A-Za-z0-9_]+$/ { print $1 }' | sort -u
end

function __actionctl_actions
    set -l words (__actionctl_words)
    actionctl actions -- $words[2] 2>/dev/null | awk 'NR > 1 && $2 ~ /^[A-Za-z0-9_]+$/ { print $2 }'
end

function __actionctl_explained
    set -l words (__actionctl_words)
    actionctl actions -- $words[3] 2>/dev/null | awk 'NR > 1 && $2 ~ /^[A-Za-z0-9_]+$/ { print $2 }'
end

function __actionctl_approvals
    actionctl approvals list 2>/dev/null | awk 'NR > 1 && $1 ~ /^[0-9a-f-]+$/ { print $1 }'
end

function __actionctl_providers
    actionctl provider list 2>/dev/null | awk 'NR > 1 && $1 ~ /^[a-z0-9_]+$/ { print $1 }'
end

# The words before the cursor that are neither an option nor its value.
function __actionctl_words
    set -l values --account --client-id --credential --deadline --file --from --issuer --key --kid --name \
        --payload --port --private --public --redirect --root --scope --secret-file --socket --token-file \
        --ttl --uid --user --users --vault-socket
    set -l skip 0
    for word in (commandline -opc)[2..]
        if test $skip = 1
            set skip 0
        else if contains -- $word $values
            set skip 1
        else if not string match -q -- '-*' $word
            echo $word
        end
    end
end

# Whether these are exactly the words so far.
function __actionctl_at
    set -l words (__actionctl_words)
    test "$words" = "$argv"
end

# Whether they begin with one of these verbs.
function __actionctl_in
    set -l words (__actionctl_words)
    for verb in $argv
        string match -q -- "$verb *" "$words "; and return 0
    end
    return 1
end

# Whether the verb is there, and this many words behind it.
function __actionctl_after
    set -l words (__actionctl_words)
    test (count $words) = $argv[1]; and __actionctl_in $argv[2..]
end

complete -c actionctl -f

complete -c actionctl -n '__actionctl_at ""' -a 'actions approvals auth health perform ping policy provider setup token'
complete -c actionctl -n '__actionctl_at approvals' -a 'approve deny list show'
complete -c actionctl -n '__actionctl_after 2 "approvals approve" "approvals deny" "approvals show"' -a '(__actionctl_approvals)'
complete -c actionctl -n '__actionctl_at auth' -a 'import login revoke status token'
complete -c actionctl -n '__actionctl_at policy' -a 'explain test'
complete -c actionctl -n '__actionctl_at provider' -a 'add list remove test'
complete -c actionctl -n '__actionctl_at token' -a 'create inspect keygen revoke'
complete -c actionctl -n '__actionctl_at provider add' -a 'google notion oidc slack'
complete -c actionctl -n '__actionctl_after 2 "provider remove" "provider test"' -a '(__actionctl_providers)'
complete -c actionctl -n '__actionctl_after 1 perform actions' -a '(__actionctl_platforms)'
complete -c actionctl -n '__actionctl_after 2 "auth import" "auth login" "auth revoke" "auth status" "auth token" "policy explain"' -a '(__actionctl_platforms)'
complete -c actionctl -n '__actionctl_after 2 perform actions' -a '(__actionctl_actions)'
complete -c actionctl -n '__actionctl_after 3 "policy explain"' -a '(__actionctl_explained)'
complete -c actionctl -n '__actionctl_after 2 "token inspect" "policy test"' -F

complete -c actionctl -l help -s h -d 'this text, or that of one verb'
complete -c actionctl -l version -d "the program's version"

set -l approvals '"approvals approve"' '"approvals deny"' '"approvals list"' '"approvals show"'
set -l engine perform ping health actions $approvals '"auth import"' '"auth login"' '"auth revoke"' '"auth status"' '"auth token"' '"provider add"' '"policy explain"' '"policy test"'
set -l providers '"provider add"' '"provider list"' '"provider remove"' '"provider test"'
set -l tokens '"token keygen"' '"token create"' '"token inspect"' '"token revoke"'
set -l accounts perform '"policy explain"' '"auth import"' '"auth login"' '"auth revoke"' '"auth token"'

complete -c actionctl -n "__actionctl_in $accounts" -l account -x -d "which of the user's accounts there"
complete -c actionctl -n '__actionctl_in "token create"' -l any-uid -d 'a token that any uid may present'
complete -c actionctl -n '__actionctl_in perform' -l ask -d 'wait for a person, if policy wants one asked'
complete -c actionctl -n '__actionctl_in "provider add"' -l client-id -x -d 'what the provider calls your client'
complete -c actionctl -n '__actionctl_in "auth import" "auth token"' -l credential -rF -d 'a JSON object, from a file or stdin'
complete -c actionctl -n '__actionctl_in perform' -l deadline -x -d 'give up after this long'
complete -c actionctl -n '__actionctl_in "auth login"' -l device -d 'consent on another device'
complete -c actionctl -n '__actionctl_in perform setup' -l dry-run -d 'only say what would be done'
complete -c actionctl -n '__actionctl_in perform "policy explain"' -l no-validate -d 'leave it to the engine to look at the payload first'
complete -c actionctl -n '__actionctl_in "token revoke"' -l file -rF -d 'the list of revoked tokens'
complete -c actionctl -n '__actionctl_in setup' -l no-vault -d 'leave out the embedded vault'
complete -c actionctl -n '__actionctl_in "provider add"' -l from -rF -d 'the JSON file that Google hands out'
complete -c actionctl -n '__actionctl_in "token keygen" "token create" "provider add"' -l issuer -x -d 'who issues the tokens'
complete -c actionctl -n "__actionctl_in $engine $providers setup $tokens" -l json -d 'the result as JSON'
complete -c actionctl -n '__actionctl_in "token create"' -l key -rF -d 'the private key to sign with'
complete -c actionctl -n '__actionctl_in "token keygen"' -l kid -x -d "the key's name"
complete -c actionctl -n '__actionctl_in "provider add"' -l name -x -d 'what it is kept by'
complete -c actionctl -n '__actionctl_in "auth login"' -l no-browser -d 'print the link, and ask for the address'
complete -c actionctl -n '__actionctl_in perform "policy explain"' -l payload -rF -d 'a JSON object, from a file or stdin'
complete -c actionctl -n '__actionctl_in "auth login"' -l port -x -d 'the port that the browser comes back to'
complete -c actionctl -n '__actionctl_in "provider add"' -l print -d 'only show the steps'
complete -c actionctl -n '__actionctl_in "token keygen"' -l private -rF -d 'where to write the private key'
complete -c actionctl -n '__actionctl_in "token keygen"' -l public -rF -d 'where to write the public key'
complete -c actionctl -n '__actionctl_in "provider add"' -l redirect -x -d 'where the browser comes back to'
complete -c actionctl -n '__actionctl_in setup' -l root -rF -d 'set up the system in that folder'
complete -c actionctl -n '__actionctl_in "auth login" setup "token create"' -l scope -x -d 'what it allows'
complete -c actionctl -n '__actionctl_in "provider add"' -l secret-file -rF -d 'a file that holds the client secret'
complete -c actionctl -n "__actionctl_in $engine" -l socket -rF -d 'where the engine listens'
complete -c actionctl -n "__actionctl_in $engine setup \"token inspect\" \"token revoke\"" -l token-file -rF -d 'a file that holds your token, or the one to revoke'
complete -c actionctl -n '__actionctl_in setup "token create"' -l ttl -x -d 'how long it is good'
complete -c actionctl -n '__actionctl_in "token create"' -l uid -x -d 'the only uid that may present it'
complete -c actionctl -n "__actionctl_in $accounts $approvals \"auth status\" setup \"token create\"" -l user -xa '(__fish_complete_users)' -d 'on whose behalf'
complete -c actionctl -n '__actionctl_in setup "token create"' -l users -xa '(__fish_complete_users)' -d 'a further user it may act for'
complete -c actionctl -n "__actionctl_in $providers" -l vault-socket -rF -d 'where the vault listens'
complete -c actionctl -n "__actionctl_in $engine $providers \"token create\"" -l verbose -s v -d 'show the request lines'
complete -c actionctl -n '__actionctl_in "approvals list"' -l watch -d 'go on, and tell what comes and goes'
