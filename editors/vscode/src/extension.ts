// Starts `coaming lsp` and asks for the reasons of suppressions; everything else is the server's.

import * as vscode from "vscode";
import {
  ExecuteCommandRequest,
  LanguageClient,
  type LanguageClientOptions,
  type ServerOptions,
} from "vscode-languageclient/node";

/** What the server needs to suppress a finding; the reason is the user's. */
interface Suppression {
  uri: string;
  line: number;
  rule: string;
  reason?: string;
}

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  context.subscriptions.push(
    vscode.commands.registerCommand("coaming.restart", async () => {
      await client?.stop();
      await start();
    }),
    vscode.commands.registerCommand("coaming.askReason", suppress),
    vscode.workspace.onDidChangeConfiguration(async (change) => {
      if (change.affectsConfiguration("coaming.path") || change.affectsConfiguration("coaming.config")) {
        await client?.stop();
        await start();
      }
    }),
  );
  await start();
}

export async function deactivate(): Promise<void> {
  await client?.stop();
}

async function start(): Promise<void> {
  const settings = vscode.workspace.getConfiguration("coaming");
  const config = settings.get<string>("config", "");
  const server: ServerOptions = {
    command: settings.get<string>("path", "coaming"),
    args: ["lsp", ...(config === "" ? [] : ["--config", config])],
  };
  const options: LanguageClientOptions = {
    documentSelector: ["yaml", "json", "dockerfile", "helm", "dotenv"].map((language) => ({
      scheme: "file",
      language,
    })),
    initializationOptions: { asksForReasons: true },
  };
  client = new LanguageClient("coaming", "Coaming", server, options);
  try {
    await client.start();
  } catch (error) {
    const choice = await vscode.window.showErrorMessage(
      `Coaming could not be started: ${String(error)}`,
      "Open the settings",
    );
    if (choice !== undefined) {
      await vscode.commands.executeCommand("workbench.action.openSettings", "coaming.path");
    }
  }
}

/** Asks for a reason; without one, nothing is suppressed. */
async function suppress(suppression: Suppression): Promise<void> {
  const reason = await vscode.window.showInputBox({
    title: `Suppress ${suppression.rule}`,
    prompt: "Why is this finding acceptable?",
    validateInput: (text) => (text.trim() === "" ? "A suppression needs a reason." : undefined),
  });
  if (reason === undefined || client === undefined) {
    return;
  }
  await client.sendRequest(ExecuteCommandRequest.type, {
    command: "coaming.suppress",
    arguments: [{ ...suppression, reason }],
  });
}
