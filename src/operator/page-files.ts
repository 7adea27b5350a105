import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { extname } from 'node:path'
import type { HttpRoute } from './http-server.ts'

const PAGE = new URL('./page/', import.meta.url)

/** The chart library's files, under the names by which the page loads them. */
const LIBRARY = { 'uplot.js': 'uplot/dist/uPlot.esm.js', 'uplot.css': 'uplot/dist/uPlot.min.css' }

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml'
}

/**
 * The files of the page as routes, read once: no request reads the disk.
 *
 * @param start the file that is shown at `/`
 */
export async function pageFiles(start: string): Promise<Map<string, HttpRoute>> {
  const require = createRequire(import.meta.url)
  const own = (await readdir(PAGE)).map((name): [string, URL | string] => [name, new URL(name, PAGE)])
  const library = Object.entries(LIBRARY).map(([name, path]): [string, string] => [name, require.resolve(path)])
  const routes = new Map<string, HttpRoute>()
  for (const [name, file] of [...own, ...library]) {
    const contentType = TYPES[extname(name)]
    if (contentType === undefined) continue
    const body = await readFile(file)
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
    const route = () => ({ status: 200, contentType, body, etag })
    if (name === start) routes.set('/', route)
    if (extname(name) !== '.html') routes.set(`/${name}`, route)
  }
  return routes
}
