import { readFile } from 'node:fs/promises'

/** One instruction of a Dockerfile, continued lines joined. */
export interface Instruction {
  readonly name: string
  readonly text: string
  /** The words of one in the exec form: `CMD ["node", "..."]`. */
  readonly words: readonly string[] | undefined
}

/** A stage: from its FROM to the next. */
export interface Stage {
  readonly name: string | undefined
  readonly base: string
  readonly instructions: readonly Instruction[]
}

/** Reads a Dockerfile, as far as ours go: ARG before the first FROM, comments, continuations, the exec form. */
export async function readDockerfile(path: URL): Promise<readonly Stage[]> {
  const lines = (await readFile(path, 'utf8')).replaceAll(/^\s*#.*\n/gm, '').replaceAll(/\\\n\s*/g, ' ')
  const stages: (Omit<Stage, 'instructions'> & { instructions: Instruction[] })[] = []
  const args = new Map<string, string>()
  for (const line of lines.split('\n').filter((each) => each.trim() !== '')) {
    const [, name = '', text = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
    if (name === 'ARG' && stages.length === 0) args.set(...(text.split(/=(.*)/).slice(0, 2) as [string, string]))
    else if (name === 'FROM') {
      const [base = '', , stage] = text.replaceAll(/\$\{(\w+)\}/g, (_, key: string) => args.get(key) ?? '').split(/\s+/)
      stages.push({ base, name: stage, instructions: [] })
    } else {
      const json = /\[.*\]$/.exec(text)?.[0]
      const words = json === undefined ? undefined : (JSON.parse(json) as string[])
      stages.at(-1)?.instructions.push({ name, text, words })
    }
  }
  return stages
}

/** The instructions of a stage by name. */
export function instructionsOf({ instructions }: Stage, name: string): Instruction[] {
  return instructions.filter((instruction) => instruction.name === name)
}
