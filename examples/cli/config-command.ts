import { Command } from 'commander'
import { configJsonSchemaText } from './config-json-schema.ts'
import { loadConfig } from './load-config.ts'

const help = `
Examples:
  $ soma-p2p config check node.yaml
  $ soma-p2p config schema > config.schema.json

With the schema editors complete keys and show mistakes: begin the file with
  # yaml-language-server: $schema=config.schema.json`

/** `config`: checks configuration files, and prints their schema. */
export function configCommand(): Command {
  return new Command('config')
    .summary('check a configuration file, or print its schema')
    .description(
      'Checks a configuration file without starting anything, or prints the JSON schema of configuration files.'
    )
    .addCommand(checkCommand())
    .addCommand(schemaCommand())
    .addHelpText('after', help)
}

function checkCommand(): Command {
  return new Command('check')
    .summary('check a configuration file')
    .description(
      'Checks the keys and values of a configuration file, as "soma-p2p node" does before it starts. The files that it names are not read.'
    )
    .argument('<file>', 'the configuration file')
    .option('--json', 'print the configuration with all defaults, as JSON', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ soma-p2p config check node.yaml\n  $ soma-p2p config check node.yaml --json'
    )
    .action(async (file: string, { json }: { json: boolean }) => {
      const config = await loadConfig(file, {})
      console.log(json ? JSON.stringify(config, undefined, 2) : `${file} is right`)
    })
}

function schemaCommand(): Command {
  return new Command('schema')
    .summary('print the JSON schema of configuration files')
    .description('Prints the JSON schema (2020-12) of configuration files, with what each key is and its default.')
    .addHelpText('after', '\nExamples:\n  $ soma-p2p config schema > config.schema.json')
    .action(() => console.log(configJsonSchemaText().trimEnd()))
}
