import { Command } from 'commander'
import { VERSION } from '../../src/runtime/version.ts'
import { devnetCommand } from '../devnet/devnet-command.ts'
import { checkpointCommand } from './checkpoint-command.ts'
import { completionCommand } from './completion-command.ts'
import { configCommand } from './config-command.ts'
import { exportCommand } from './export-command.ts'
import { genesisCommand } from './genesis-command.ts'
import { importCommand } from './import-command.ts'
import { inspectCommand } from './inspect-command.ts'
import { keygenCommand } from './keygen-command.ts'
import { nodeCommand } from './node-command.ts'
import { banCommand, peersCommand, unbanCommand } from './peer-commands.ts'
import { reportError } from './report-error.ts'
import { statusCommand } from './status-command.ts'

const help = `
A node by hand, with a validator of its own to sync from:
  $ soma-p2p keygen --out validator.json
  $ soma-p2p genesis --validator validator.pub.json --out genesis.bin
  $ soma-p2p node --genesis genesis.bin --key validator.json --consensus scripted --data-dir validator
  $ soma-p2p node --genesis genesis.bin --data-dir full-node --seed <the address that the first one prints>
  $ soma-p2p status --data-dir full-node

A whole network at once:
  $ soma-p2p devnet

Exit codes: 0 done, 1 failed, 2 a mistake in flags, files or configuration, 3 damaged data, 130 interrupted with Ctrl-C, 143 by SIGTERM
before it was done. After 2 or 3 another start does not help before somebody has looked.
Colours follow NO_COLOR and FORCE_COLOR.`

/** One way out for everything that is said. */
const throughConsole = {
  writeOut: (text: string): void => console.log(text.trimEnd()),
  writeErr: (text: string): void => console.error(text.trimEnd())
}

/**
 * Runs the command line.
 *
 * @param args without the names of node and script
 * @returns the exit code; nothing is left running when it is there
 */
export { endWhenIdle } from '../end-when-idle.ts'

export async function main(args: readonly string[]): Promise<number> {
  try {
    const program = new Command('soma-p2p')
      .description('The peer-to-peer stack of a DAG-BFT validator node: keys, genesis, nodes and whole devnets.')
      .version(VERSION)
      .addHelpText('after', help)
    program.commandsGroup('To begin:')
    for (const command of [keygenCommand(), genesisCommand(), configCommand(), completionCommand()]) {
      program.addCommand(command)
    }
    program.commandsGroup('A node, and while it runs:')
    for (const command of [
      nodeCommand(),
      statusCommand(),
      peersCommand(),
      banCommand(),
      unbanCommand(),
      checkpointCommand()
    ]) {
      program.addCommand(command)
    }
    program.commandsGroup('While it does not run:')
    for (const command of [inspectCommand(), exportCommand(), importCommand()]) program.addCommand(command)
    program.commandsGroup('A network to try:')
    program.addCommand(devnetCommand())
    program.commandsGroup('Help:').helpCommand('help [command]', 'say more of a command')
    for (const command of allOf(program)) {
      command.exitOverride().showHelpAfterError('(--help tells more)').configureOutput(throughConsole)
    }
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (thrown) {
    return reportError(thrown)
  }
}

/** A command, its commands, and theirs. */
function allOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allOf)]
}
