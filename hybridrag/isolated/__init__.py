"""Python processes that handle what nobody need trust: a document, a detector of others, a file that a stranger sent.

They have no keys, no network, bounds on what they use and a folder of their own, and end with whoever started them.

    process      such a process, from the parent: started, asked, killed
    inside       the same, from inside: requests come, answers go
    frames       how the two frame their messages
    sandbox      what it gives up before anything else; `confinement` is what the kernel refuses it, `bounds` how much
                 it may use, `folder` where it stands
"""
