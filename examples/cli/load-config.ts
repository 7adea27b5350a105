import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type Document, LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { toError } from '../../src/runtime/soma-error.ts'
import { UsageError } from './cli-error.ts'
import { closest } from './closest.ts'
import { configKeys, configSchema, type NodeFileConfig } from './config-schema.ts'

/** Values from flags, by the configuration's own names; they go over those of the file. */
export type ConfigFlags = { readonly [K in keyof NodeFileConfig]?: unknown }

/** A configuration as it was written, with a way to say where. */
interface Source {
  readonly values: Readonly<Record<string, unknown>>
  /** Says where a value was written, as the beginning of a sentence. */
  locate(path: readonly PropertyKey[]): string
}

/**
 * Reads a configuration from a YAML or JSON file and from flags, and checks it. Paths within the file are relative to the file's
 * directory, those of flags to the working directory.
 *
 * @throws {UsageError} `CONFIG_UNREADABLE`, `CONFIG_SYNTAX`, `CONFIG_UNKNOWN_KEY`, `CONFIG_WRONG_VALUE`
 */
export async function loadConfig(file: string | undefined, flags: ConfigFlags): Promise<NodeFileConfig> {
  const written = file === undefined ? { values: {}, locate: () => '' } : await readSource(file)
  const given = Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined))
  const values = mergeSections(written.values, given)
  const source: Source = {
    values,
    locate: (path) => (String(path[0]) in given && !isSection(given[String(path[0])]) ? 'flag ' : written.locate(path))
  }
  const parsed = configSchema.safeParse(values)
  if (!parsed.success) throw describeIssue(parsed.error.issues[0] as z.core.$ZodIssue, source)
  const base = (key: string): string => (key in given || file === undefined ? '.' : dirname(file))
  return checkTogether(resolvePaths(parsed.data, base))
}

async function readSource(file: string): Promise<Source> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    throw new UsageError('CONFIG_UNREADABLE', `cannot read ${file}: ${toError(cause).message}`, { cause })
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false }) // JSON is YAML
  const fault = document.errors[0]
  if (fault !== undefined)
    throw new UsageError('CONFIG_SYNTAX', `${file}:${lines.linePos(fault.pos[0]).line}: ${fault.message}`)
  const values = valuesOf(document, file)
  if (!isSection(values)) throw new UsageError('CONFIG_SYNTAX', `${file} should be a set of keys and values`)
  return { values, locate: (path) => `${file}:${lineOf(document, lines, path)}: ` }
}

/** What a document says. Aliases may lead nowhere, into what they are part of, or to more than anyone would write. */
function valuesOf(document: Document, file: string): unknown {
  try {
    const values: unknown = document.toJS() ?? {}
    JSON.stringify(values)
    return values
  } catch (cause) {
    throw new UsageError('CONFIG_SYNTAX', `${file}: an alias that cannot be followed`, { cause })
  }
}

/** The line of a value, or of the nearest thing around it that is there. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true)
    if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range))
      return lines.linePos(node.range[0]).line
  }
  return 1
}

function describeIssue(issue: z.core.$ZodIssue, source: Source): UsageError {
  if (issue.code === 'unrecognized_keys') {
    const path = [...issue.path, issue.keys[0] as string]
    const known = configKeys(issue.path)
    const nearest = closest(issue.keys[0] as string, known)
    const named = nearest === undefined ? '' : `: did you mean ${[...issue.path, nearest].join('.')}?`
    return new UsageError('CONFIG_UNKNOWN_KEY', `${source.locate(path)}unknown key ${path.join('.')}${named}`)
  }
  const name = issue.path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .slice(1)
  const value = issue.path.reduce((at: unknown, key) => (at as Record<PropertyKey, unknown>)[key], source.values)
  const found = value === undefined ? `and is missing${remedyOf(name)}` : `not ${abbreviate(JSON.stringify(value))}`
  return new UsageError(
    'CONFIG_WRONG_VALUE',
    `${source.locate(issue.path)}${name} should be ${issue.message}, ${found}`
  )
}

/** What somebody who begins needs to know. */
function remedyOf(missing: string): string {
  if (missing !== 'genesis') return ''
  return ': give it with --genesis, or in a configuration file with --config (--help tells more)'
}

/** What no single key is wrong about. */
function checkTogether(config: NodeFileConfig): NodeFileConfig {
  const { targetConnections = 20, maxConnections = 100 } = config.network
  if (targetConnections > maxConnections)
    throw new UsageError(
      'CONFIG_WRONG_VALUE',
      `network.targetConnections should be at most network.maxConnections, and ${targetConnections} is over ${maxConnections}`
    )
  if (config.consensus === 'scripted' && config.key === undefined)
    throw new UsageError(
      'CONFIG_WRONG_VALUE',
      "key should be a validator's key file when consensus is scripted, and is missing"
    )
  if (config.scripted.epochCommits !== undefined && config.executor === 'none')
    throw new UsageError(
      'CONFIG_WRONG_VALUE',
      'executor should be ledger when scripted.epochCommits is there, for an epoch hands over the state that the ledger comes to, and is "none"'
    )
  return config
}

function resolvePaths(config: NodeFileConfig, base: (key: keyof NodeFileConfig) => string): NodeFileConfig {
  const { key, scripted, sync } = config
  return {
    ...config,
    genesis: resolve(base('genesis'), config.genesis),
    dataDir: resolve(base('dataDir'), config.dataDir),
    ...(key !== undefined && { key: resolve(base('key'), key) }),
    sync: { ...sync, ...(sync.checkpoint !== undefined && { checkpoint: resolve(base('sync'), sync.checkpoint) }) },
    scripted: {
      ...scripted,
      ...(scripted.keys !== undefined && { keys: scripted.keys.map((path) => resolve(base('scripted'), path)) })
    }
  }
}

/** Flags over values, one level down where both have a section. */
function mergeSections(
  under: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>
): Record<string, unknown> {
  const merged = { ...under }
  for (const [key, value] of Object.entries(over)) {
    const before = merged[key]
    merged[key] = isSection(value) && isSection(before) ? { ...before, ...value } : value
  }
  return merged
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function abbreviate(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}...` : text
}
