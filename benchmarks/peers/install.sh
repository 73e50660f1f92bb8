#!/bin/sh
# Make an environment for each peer below the given folder (WORK/peers of run_all.py). This needs
# Python 3.11 and PyPI; a peer that does not install is left out, and RESULTS.md says so.
set -u
folder=${1:?name a folder for the environments}
make_one() {
  name=$1; shift
  [ -e "$folder/$name/.installed" ] && return
  python3 -m venv "$folder/$name" \
    && "$folder/$name/bin/python" -m pip install --quiet "$@" \
    && touch "$folder/$name/.installed" \
    || echo "$name: did not install" >&2
}
make_one rensa rensa orjson
make_one datasketch datasketch orjson xxhash
make_one textdedup text-dedup
# Its wheel does not declare everything that it imports.
make_one datajuicer py-data-juicer aiohttp
make_one datatrove "datatrove[io,processing]" spacy orjson
make_one texts trafilatura lxml_html_clean resiliparse kreuzberg pypdfium2
