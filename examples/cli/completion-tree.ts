import type { Argument, Command, Option } from 'commander'

/** What may stand for a value: one of some words, a file, a directory, or what only the user knows. */
export type ValueKind =
  | { readonly kind: 'choices'; readonly choices: readonly string[] }
  | { readonly kind: 'file' | 'directory' | 'text' }

/** A flag as shells complete it. */
export interface CompletedOption {
  /** `--data-dir`. */
  readonly long: string
  /** `-c`. */
  readonly short: string | undefined
  readonly description: string
  /** `undefined` for a flag without a value. */
  readonly value: ValueKind | undefined
}

/** A command as shells complete it. */
export interface CompletedCommand {
  /** Its name after those of the commands that it is within; empty for the program itself. */
  readonly path: readonly string[]
  readonly summary: string
  readonly commands: readonly CompletedCommand[]
  readonly options: readonly CompletedOption[]
  readonly args: readonly { readonly name: string; readonly value: ValueKind }[]
}

/** Everything of a command line that shells can complete. */
export function completionTree(command: Command, path: readonly string[] = []): CompletedCommand {
  const help = command.createHelp()
  return {
    path,
    summary: command.summary() || command.description(),
    commands: help
      .visibleCommands(command)
      .filter((inner) => inner.name() !== 'help')
      .map((inner) => completionTree(inner, [...path, inner.name()])),
    options: help.visibleOptions(command).flatMap((option) => optionOf(option)),
    args: command.registeredArguments.map((argument) => ({ name: argument.name(), value: argumentKind(argument) }))
  }
}

/** A command and all within it. */
export function allCommands(tree: CompletedCommand): CompletedCommand[] {
  return [tree, ...tree.commands.flatMap(allCommands)]
}

function optionOf(option: Option): CompletedOption[] {
  if (option.long === undefined) return []
  const takesValue = option.required || option.optional
  const [, placeholder = ''] = /[<[]([\w-]+)/.exec(option.flags) ?? []
  const value = takesValue ? kindOf(placeholder, option.argChoices) : undefined
  return [{ long: option.long, short: option.short, description: option.description, value }]
}

function argumentKind(argument: Argument): ValueKind {
  return kindOf(argument.name(), argument.argChoices)
}

function kindOf(placeholder: string, choices: readonly string[] | undefined): ValueKind {
  if (choices !== undefined) return { kind: 'choices', choices }
  if (/^(file|dir)/i.test(placeholder)) return { kind: /^file/i.test(placeholder) ? 'file' : 'directory' }
  return { kind: 'text' }
}
