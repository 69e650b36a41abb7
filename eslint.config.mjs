// Lints for TypeScript and JavaScript. Formatting is nobody's lint: .editorconfig says what there is to say.
import js from "@eslint/js";
import globals from "globals";
import typescript from "typescript-eslint";

// A leading underscore says that a name is there for its place only.
const unused = { argsIgnorePattern: "^_", varsIgnorePattern: "^_", destructuredArrayIgnorePattern: "^_" };

export default typescript.config(
  { ignores: ["**/dist/", "**/node_modules/", "**/test-results/", "**/target/", ".chit/", "contracts/artifacts/"] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  {
    rules: {
      eqeqeq: "error",
      "no-implicit-coercion": ["error", { boolean: true, allow: ["!!"] }],
      "no-unused-vars": ["error", unused],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
    },
  },
  {
    files: ["**/*.mjs", "**/*.js"],
    languageOptions: { globals: globals.node },
  },
  {
    // Functions in these run in the page.
    files: ["tests/**", "benches/**", "*/test/**"],
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
  },
  {
    files: ["**/*.ts"],
    extends: [typescript.configs.recommendedTypeChecked],
    languageOptions: {
      globals: globals.browser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "no-unused-vars": "off",
      "@typescript-eslint/no-unused-vars": ["error", unused],
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports", disallowTypeAnnotations: false }],
      "@typescript-eslint/no-non-null-assertion": "error",
      // Money code: a new kind of event or state must not fall through unnoticed.
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    // These only have to compile.
    files: ["**/test/types/**"],
    rules: { "@typescript-eslint/no-unused-vars": "off" },
  },
);
