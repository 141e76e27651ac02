// A server on HttpListener that ends its lines with CR, and so its events with CR CR:  mono Tutorial.exe FILE
// A line of the file is an event: its type, a tab, its data.
using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Text;
using System.Threading;

static class Tutorial
{
    const int Batch = 400;
    const int Gate = 900;

    static readonly ManualResetEvent go = new ManualResetEvent(false);
    static string[] lines;

    static void Main(string[] arguments)
    {
        lines = File.ReadAllText(arguments[0], Encoding.UTF8).TrimEnd('\n').Split('\n');
        int port;
        HttpListener listener = Listen(out port);
        Console.WriteLine("{{\"port\":{0},\"version\":\"{1}\"}}", port, Version());
        Console.Out.Flush();
        while (true)
        {
            HttpListenerContext context = listener.GetContext();
            new Thread(() => Answer(context)).Start();
        }
    }

    static string Version()
    {
        MethodInfo name = Type.GetType("Mono.Runtime").GetMethod("GetDisplayName", BindingFlags.NonPublic | BindingFlags.Static);
        return "Mono " + ((string)name.Invoke(null, null)).Split(' ')[0];
    }

    // An HttpListener takes no port 0.
    static HttpListener Listen(out int port)
    {
        for (int attempt = 0; ; attempt++)
        {
            TcpListener free = new TcpListener(IPAddress.Loopback, 0);
            free.Start();
            port = ((IPEndPoint)free.LocalEndpoint).Port;
            free.Stop();
            HttpListener listener = new HttpListener();
            listener.Prefixes.Add("http://127.0.0.1:" + port + "/");
            try
            {
                listener.Start();
                return listener;
            }
            catch (Exception)
            {
                if (attempt == 10) throw;
            }
        }
    }

    static void Answer(HttpListenerContext context)
    {
        HttpListenerResponse response = context.Response;
        try
        {
            string id = context.Request.Headers["Last-Event-ID"];
            int start = id == null ? 0 : int.Parse(id) + 1;
            if (context.Request.Url.AbsolutePath == "/go")
                go.Set();
            else if (start >= lines.Length)
                response.StatusCode = 204;
            else
                Send(response, start);
            response.Close();
        }
        catch (Exception error)
        {
            Console.Error.WriteLine("Tutorial.exe: " + error.Message);
            response.Abort();
        }
    }

    static void Send(HttpListenerResponse response, int start)
    {
        response.ContentType = "text/event-stream";
        response.SendChunked = true;
        Write(response, "retry: 100\r\r");
        for (int i = start; i < Math.Min(start + Batch, lines.Length); i++)
        {
            if (i == Gate) go.WaitOne();
            string[] line = lines[i].Split('\t');
            string type = line[0] == "" ? "" : "event: " + line[0] + "\r";
            Write(response, type + "id: " + i + "\rdata: " + line[1] + "\r\r");
        }
    }

    static void Write(HttpListenerResponse response, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        response.OutputStream.Write(bytes, 0, bytes.Length);
        response.OutputStream.Flush();
    }
}
