import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errorCode } from '../../src/runtime/soma-error.ts'
import { UsageError } from '../cli/cli-error.ts'
import { makeDataDirectory } from '../cli/make-data-directory.ts'
import { type ChainSettings, chainSettingsSchema } from './chain-settings.ts'
import { writeFileWhole } from './write-file-whole.ts'

/** Where a devnet keeps everything: the chain that was made, and a directory for each node. */
export interface DataDirectory {
  readonly path: string
  /** The settings of the chain in it. */
  readonly settings: ChainSettings
  /** Removes it when it is a temporary one. */
  close(): Promise<void>
}

/** What a data directory is opened with. */
export interface DataDirectoryInit {
  /** Made when it is not there. @default a temporary one */
  readonly path: string | undefined
  readonly settings: ChainSettings
  /** The settings that somebody asked for: of the others, those of the chain in the directory count. */
  readonly asked: ReadonlySet<keyof ChainSettings>
}

/**
 * Opens the directory of a new or an earlier devnet.
 *
 * @throws {UsageError} `USAGE` when it holds a chain of other settings than were asked for, or no devnet but something else, or is a file
 */
export async function openDataDirectory({ path, settings, asked }: DataDirectoryInit): Promise<DataDirectory> {
  if (path === undefined) {
    const temporary = await mkdtemp(join(tmpdir(), 'soma-devnet-'))
    return { path: temporary, settings, close: () => rm(temporary, { recursive: true, force: true }) }
  }
  await makeDataDirectory(path)
  const file = join(path, 'devnet.json')
  const close = async () => undefined
  const stored = await readSettings(file)
  if (stored !== undefined) {
    for (const name of asked) {
      if (stored[name] === settings[name]) continue
      const flag = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
      const held = stored[name] === undefined ? `without --${flag}` : `with --${flag} ${stored[name]}`
      throw new UsageError(
        'USAGE',
        `${path} holds a devnet ${held}, not ${settings[name]}: leave the flag out to go on with it, or choose another --data-dir`
      )
    }
    return { path, settings: stored, close }
  }
  if ((await readdir(path)).length > 0) {
    throw new UsageError('USAGE', `${path} is not empty and holds no devnet: choose another --data-dir`)
  }
  await writeFileWhole(file, `${JSON.stringify(settings, undefined, 2)}\n`)
  return { path, settings, close }
}

async function readSettings(file: string): Promise<ChainSettings | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (thrown) {
    if (errorCode(thrown) === 'ENOENT') return undefined
    throw thrown
  }
  try {
    return chainSettingsSchema.parse(JSON.parse(text))
  } catch (cause) {
    throw new UsageError('USAGE', `${file} is not what a devnet writes: choose another --data-dir`, { cause })
  }
}
