/** Where the interface lives. */

/** The path unless somebody says otherwise. */
export const DEFAULT_BASE = '/chit/v1';

/** The path behind the base; `undefined` when it is elsewhere. */
export function below(pathname: string, base: string): string | undefined {
  const root = base.endsWith('/') ? base.slice(0, -1) : base;
  return pathname.startsWith(`${root}/`) ? pathname.slice(root.length) : undefined;
}
