# Read by the scripts beside it. `environment NAME==VERSION ...` makes a virtual environment with these packages in a
# temporary folder, removed at exit, goes there and sets $python. $PYTHON says which Python makes it (python3 if not).
set -eu
unset PYTHONPATH
export OMP_NUM_THREADS=1

environment() {
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    "${PYTHON:-python3}" -m venv "$folder/venv"
    "$folder/venv/bin/python" -m pip install -qq --disable-pip-version-check "$@"
    python=$folder/venv/bin/python
    cd "$folder"
}
