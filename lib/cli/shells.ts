/** Completion in bash, zsh and fish: a script that asks the command itself what can follow, and takes files otherwise. */
import type { Command } from 'commander';

const bash = `_eider() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(eider complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1)" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _eider eider
`;

const zsh = `#compdef eider
_eider() {
  local -a found
  found=(\${(f)"$(eider complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null | cut -f1)"})
  if (( $#found )); then compadd -a found; else _files; fi
}
compdef _eider eider
`;

const fish = `function __eider
  set -l found (eider complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c eider -f -a '(__eider)'
`;

export const completionScripts: Readonly<Record<string, string>> = { bash, zsh, fish };

/**
 * What the last of the words can become, with what it means behind a tab; nothing where it can be anything.
 *
 * @example candidates(program, ['move', '--from', 's']) // ['s3']
 */
export function candidates(program: Command, words: readonly string[]): string[] {
  const [last = '', previous] = words.toReversed();
  const command = program.commands.find((each) => each.name() === words[0]);
  if (words.length < 2 || !command) {
    const commands = program.createHelp().visibleCommands(program);
    return matching(
      commands.map((each) => [each.name(), each.description()]),
      last,
    );
  }
  const options = command.createHelp().visibleOptions(command);
  const asked = options.find(({ short, long }) => previous !== undefined && [short, long].includes(previous));
  if (asked?.required) return matching(asked.argChoices ?? [], last);
  if (last.startsWith('-'))
    return matching(
      options.map(({ long, description }) => [long ?? '', description]),
      last,
    );
  return matching(command.registeredArguments[0]?.argChoices ?? [], last);
}

function matching(found: readonly (string | readonly string[])[], beginning: string): string[] {
  return found.map((each) => [each].flat().join('\t')).filter((line) => line.startsWith(beginning));
}
