import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fromHex, toHex } from '../../src/runtime/hex.ts'

/** Where inputs are kept that broke something once, or are hard to come by: a directory for each target. */
export const CORPUS: string = fileURLToPath(new URL('corpus', import.meta.url))

/** Digits of a line. */
const LINE = /.{1,64}/g

/** The inputs that are kept of a target. */
export async function readCorpus(directory: string, target: string): Promise<Uint8Array[]> {
  const path = join(directory, target)
  let names: string[]
  try {
    names = await readdir(path)
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return []
    throw thrown
  }
  const files = names.filter((name) => name.endsWith('.hex')).sort()
  return await Promise.all(files.map((name) => readInput(join(path, name))))
}

/** An input of a file: hexadecimal digits in lines, after lines with a `#` that say what it is. */
export async function readInput(path: string): Promise<Uint8Array> {
  const lines = (await readFile(path, 'utf8')).split('\n')
  return fromHex(
    lines
      .filter((line) => !line.startsWith('#'))
      .join('')
      .trim()
  )
}

/** Keeps an input. @returns the path of its file */
export async function keepInput(directory: string, target: string, input: Uint8Array, what: string): Promise<string> {
  const path = join(directory, target)
  await mkdir(path, { recursive: true })
  const name = createHash('sha256').update(input).digest('hex').slice(0, 16)
  const file = join(path, `${name}.hex`)
  const lines = [`# ${what.split('\n')[0]}`, ...(toHex(input).match(LINE) ?? [])]
  await writeFile(file, `${lines.join('\n')}\n`)
  return file
}

/** The target that a file of the corpus belongs to: `corpus/<target>/<name>.hex`. */
export function targetOfFile(path: string): string | undefined {
  const [...directories] = relative(CORPUS, path).split('/').slice(0, -1)
  return directories.length === 0 || directories[0] === '..' ? undefined : directories.join('/')
}
