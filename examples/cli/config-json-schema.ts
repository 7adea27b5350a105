import { parse } from 'yaml'
import { z } from 'zod'
import { configSchema } from './config-schema.ts'
import { CONFIG_TEXTS } from './config-texts.ts'

/** What is used of a JSON Schema. */
export interface JsonSchema {
  description?: string
  default?: unknown
  readonly properties?: Record<string, JsonSchema>
  readonly [keyword: string]: unknown
}

/** The configuration file as a JSON Schema: the zod schema's, with what each key is and what holds without it. */
export function configJsonSchema(): JsonSchema {
  const generated = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' }) as JsonSchema
  const { $schema, ...rest } = generated
  const schema: JsonSchema = { $schema, title: 'Configuration of a soma-p2p node', ...rest }
  describe(schema, '')
  return schema
}

/** The schema as a file holds it. */
export function configJsonSchemaText(): string {
  return `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`
}

/** A default that the configuration could say itself; `undefined` for one in words, such as "the node's own". */
export function defaultValueOf(fallback: string): unknown {
  if (/^(\d+|true|false)$/.test(fallback)) return JSON.parse(fallback)
  const [, code] = /^`(.*)`$/.exec(fallback) ?? []
  return code === undefined ? undefined : parse(code)
}

function describe({ properties = {} }: JsonSchema, prefix: string): void {
  for (const [key, schema] of Object.entries(properties)) {
    const known = CONFIG_TEXTS[prefix + key]
    if (known === undefined) {
      delete schema.default // an empty section is no news
      describe(schema, `${prefix}${key}.`)
      continue
    }
    const value = defaultValueOf(known.fallback)
    const words = value === undefined && known.fallback !== '' ? ` Default: ${plain(known.fallback)}.` : ''
    schema.description = `${known.text.startsWith('`') ? plain(known.text) : capitalised(plain(known.text))}.${words}`
    if (value !== undefined) schema.default = value
  }
}

/** Markdown without its marks. */
function plain(markdown: string): string {
  return markdown.replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '$1').replaceAll('`', '')
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
