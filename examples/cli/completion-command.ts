import { Argument, Command } from 'commander'
import { bashCompletion } from './completion-bash.ts'
import { fishCompletion } from './completion-fish.ts'
import { completionTree } from './completion-tree.ts'
import { zshCompletion } from './completion-zsh.ts'

const scripts = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }

const help = `
Examples:
  $ source <(soma-p2p completion bash)
  $ soma-p2p completion bash | sudo tee /etc/bash_completion.d/soma-p2p
  $ soma-p2p completion zsh > "\${fpath[1]}/_soma-p2p"
  $ soma-p2p completion fish > ~/.config/fish/completions/soma-p2p.fish`

/** `completion`: prints a script by which a shell completes commands, flags, their values and files. */
export function completionCommand(): Command {
  return new Command('completion')
    .summary('print a completion script for a shell')
    .description('Prints a script by which a shell completes commands, flags, their values, files and directories.')
    .addArgument(new Argument('<shell>', 'for which shell').choices(Object.keys(scripts)))
    .addHelpText('after', help)
    .action((shell: keyof typeof scripts, _: unknown, command: Command) => {
      const program = command.parent ?? command
      console.log(scripts[shell](program.name(), completionTree(program)).trimEnd())
    })
}
