# Shared by the scripts: sourced, not run.

# Builds the programs for use, or the products that are named, quietly; prints the folder they are in.
# Overlapping accesses are looked for by the compiler and, at run time, in every test; not again in
# what is shipped (decision 0005).
build_programs() {
    local log flags=(-c release -Xswiftc -enforce-exclusivity=unchecked)
    log="$(mktemp)"
    [ $# -gt 0 ] || set -- bowerbird-server bowerbird
    for product in "$@"; do
        if ! swift build "${flags[@]}" --product "$product" >"$log" 2>&1; then
            grep -E 'error:' "$log" | sort -u | head -20 >&2
            rm -f "$log"
            return 1
        fi
    done
    rm -f "$log"
    swift build "${flags[@]}" --show-bin-path
}

# Makes the Python environment of the real clients; prints its folder.
make_venv() {
    local venv=.build-venv
    if [ ! -x "$venv/bin/pytest" ]; then
        python3 -m venv "$venv"
        "$venv/bin/pip" install -q --disable-pip-version-check grpcio==1.85.1 \
            grpcio-tools==1.85.1 grpcio-health-checking==1.85.1 grpcio-reflection==1.85.1 \
            grpcio-status==1.85.1 pytest
    fi
    echo "$venv"
}
