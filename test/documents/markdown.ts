import { glob, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository. */
export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url))

/** What others wrote, and what is made from sources. */
const FOREIGN = new Set(['node_modules', 'dist', '.git', 'api'])

/** Something that stands in a document, with its place for people. */
export interface Placed {
  readonly where: string
}

/** A fenced block of code. */
export interface CodeBlock extends Placed {
  /** As written behind the fence; empty where nothing is. */
  readonly language: string
  readonly code: string
}

/** What a document points to: a path as written, without the fragment, and the fragment. */
export interface Link extends Placed {
  readonly path: string
  readonly anchor: string | undefined
}

/** A Markdown file of the repository, taken apart. */
export interface Document {
  /** Path in the repository. */
  readonly path: string
  readonly anchors: ReadonlySet<string>
  readonly links: readonly Link[]
  readonly blocks: readonly CodeBlock[]
  /** What stands between backticks in running text. */
  readonly spans: readonly (Placed & { readonly text: string })[]
}

/** Paths of the repository's files that match, without what others wrote. */
export async function filesOf(pattern: string): Promise<string[]> {
  const found = glob(pattern, { cwd: ROOT, exclude: (name) => FOREIGN.has(basename(name)) })
  return (await Array.fromAsync(found)).sort()
}

/** Every Markdown file of the repository. */
export async function readDocuments(): Promise<Document[]> {
  const paths = await filesOf('**/*.md')
  return Promise.all(paths.map(async (path) => parseDocument(path, await readFile(`${ROOT}${path}`, 'utf8'))))
}

/** The fenced blocks in the doc comments of the sources. */
export async function readDocComments(): Promise<CodeBlock[]> {
  const paths = await filesOf('src/**/*.ts')
  const blocks = paths.map(async (path) => {
    const text = await readFile(`${ROOT}${path}`, 'utf8')
    const comments = text.split('\n').map((line) => /^ *\* ?(.*)$/.exec(line)?.[1] ?? '')
    return parseDocument(path, comments.join('\n')).blocks
  })
  return (await Promise.all(blocks)).flat()
}

function parseDocument(path: string, text: string): Document {
  const anchors = new Set<string>()
  const links: Link[] = []
  const blocks: CodeBlock[] = []
  const spans: { where: string; text: string }[] = []
  let fence:
    | { readonly mark: string; readonly language: string; readonly where: string; readonly lines: string[] }
    | undefined
  for (const [at, line] of text.split('\n').entries()) {
    const where = `${path}:${at + 1}`
    const [, mark, language = ''] = /^ *(```+|~~~+)(\S*)/.exec(line) ?? []
    if (fence !== undefined) {
      if (mark?.startsWith(fence.mark) === true && language === '') {
        blocks.push({ where: fence.where, language: fence.language, code: fence.lines.join('\n') })
        fence = undefined
      } else fence.lines.push(line)
      continue
    }
    if (mark !== undefined) {
      fence = { mark, language, where, lines: [] }
      continue
    }
    const [, title] = /^#{1,6} +(.+?) *#*$/.exec(line) ?? []
    if (title !== undefined) anchors.add(freshAnchor(anchors, title))
    for (const [, text] of line.matchAll(/(?<!`)`([^`]+)`(?!`)/g)) spans.push({ where, text: text as string })
    const prose = line.replaceAll(/(?<!`)`[^`]+`(?!`)/g, '``')
    for (const [, inBrackets, reference, source] of prose.matchAll(
      /\]\(\s*([^)\s]+)[^)]*\)|^ {0,3}\[[^\]]+\]: *(\S+)|\b(?:src|href)="([^"]+)"/g
    )) {
      const target = inBrackets ?? reference ?? source ?? ''
      if (/^[a-z][a-z0-9+.-]*:/i.test(target)) continue // of another place
      const [file = '', anchor] = target.split('#')
      links.push({ where, path: file, anchor })
    }
  }
  return { path, anchors, links, blocks, spans }
}

/** The name under which a forge links a heading: its text in small letters, with dashes for blanks, and numbered where it comes again. */
function freshAnchor(taken: ReadonlySet<string>, title: string): string {
  const text = title.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
  const anchor = text
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
    .replaceAll(' ', '-')
  for (let count = 0; ; count++) {
    const name = count === 0 ? anchor : `${anchor}-${count}`
    if (!taken.has(name)) return name
  }
}
