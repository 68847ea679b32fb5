"""Completion of verbs, words and their values is a shell function, printed for bash or zsh to read."""

from collections.abc import Mapping, Sequence

from evolve.command.words import WORDS

SHELLS = ("bash", "zsh")

_FILES = ("MODEL", "WEIGHTS", "SOLVER", "OUT", "IMAGE", "FPS", "INPUTS")
_KNOWN = {
    "GEN": "best", "TENSORRT": "rtx tensorrt", "FIT": "crop resize letterbox pad", "SHELL": " ".join(SHELLS),
    "ENGINE": "c caffe openvino openvino-bfloat16 openvino-int8 onnxruntime onnxruntime-int8 tensorrt tensorrt-float "
    "tensorrt-int8", "FOR": "openvino onnxruntime tensorrt", "DEVICE": "tx1 nano xavier orin pi5", "BITS": "8 16 32",
    "HALF": "0 1", "INT8": "1", "SCORES": "1", "FAST": "0", "HALF_BLOBS": "1", "KEEP_UNKNOWN": "1", "INPUTS": "none",
}  # fmt: skip
_ZSH = "autoload -U +X bashcompinit && bashcompinit\n"
# Shells that break words at = hand over the value alone, and expect no more back.
_SCRIPT = """_cavefish() {{
  local line="${{COMP_LINE:0:$COMP_POINT}}" verb cur name value known
  cur="${{line##*[[:space:]]}}"; verb="${{line#*[[:space:]]}}"; verb="${{verb%%[[:space:]]*}}"
  COMPREPLY=()
  if [[ "$line" != *[[:space:]]*[[:space:]]* ]]; then
    COMPREPLY=($(compgen -W "{verbs}" -- "$cur")); compopt +o nospace 2>/dev/null; return
  fi
  if [[ "$cur" != *=* ]]; then
    case "$verb" in
{of_verbs}
    esac
    COMPREPLY=($(compgen -W "$known" -- "$cur")); return
  fi
  name="${{cur%%=*}}"; value="${{cur#*=}}"; known=""
  case "$name" in
{of_names}
    NET) known="{networks}" ;;
    RUN) known="$(for f in "${{CAVEFISH_RUNS:-runs}}"/*/*/lineage.csv; do f="${{f%/*}}"; echo "${{f##*/}}"; done)" ;;
  esac
  COMPREPLY=($(compgen -W "$known" -- "$value"))
  case " {files} " in *" $name "*) COMPREPLY+=($(compgen -f -- "$value")) ;; esac
  [[ "$COMP_WORDBREAKS" == *=* ]] || COMPREPLY=("${{COMPREPLY[@]/#/$name=}}")
}}
complete -o nospace -F _cavefish cavefish
"""


def script(shell: str, verbs: Mapping[str, Sequence[str]], networks: Sequence[str]) -> str:
    """The function for `shell`, of `verbs` with the words that each knows, and of the `networks` that NET= has."""
    of_verbs = [f'      {name}) known="{" ".join(f"{word}=" for word in known)}" ;;' for name, known in verbs.items()]
    of_names = [f'    {name}) known="{_KNOWN[name]}" ;;' for name in WORDS if name in _KNOWN]
    made = _SCRIPT.format(
        verbs=" ".join([*verbs, "help"]),
        of_verbs="\n".join(of_verbs),
        of_names="\n".join(of_names),
        networks=" ".join(networks),
        files=" ".join(_FILES),
    )
    return (_ZSH if shell == "zsh" else "") + made
